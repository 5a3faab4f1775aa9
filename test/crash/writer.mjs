// A process that does to an index what it is told, and says when each thing begins and when it is done. Made to be killed.
import { madeEntry } from './made-documents.mjs';
import { buildApproximateIndex, IndexFolder } from './storage.mjs';

let folder;
let writer;

process.on('message', async ({ directory, operation }) => {
  try {
    folder ??= await IndexFolder.open(directory);
    writer ??= await folder.openWriter();
    process.send('begun');
    await perform(operation);
    process.send('done');
  } catch (error) {
    process.send({ failed: `${error.code} ${error.stack}` });
  }
});

/** @param operation documents to `put` as [id, version], an id to `remove`, `compact`, `approximate`: what is there is done */
async function perform({ put, remove, compact, approximate }) {
  const { dimensions } = folder.manifest;
  if (put) await writer.commit(put.map(([id, version]) => madeEntry(id, version, dimensions)));
  if (remove !== undefined) writer.delete(remove);
  if (compact) await writer.compact({ signal: undefined, report: () => {} });
  if (approximate) await buildApproximateIndex(folder.directory, { factory: 'Flat' });
}
