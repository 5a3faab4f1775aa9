// The indexes that are damaged: of each precision one whose catalog is one file, and one whose last commits wait in SQLite's log.
import { cpSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { info } from '@ner-retriever/native';
import { answersOf } from './answers.mjs';
import { madeEntry } from './made-documents.mjs';
import { buildApproximateIndex, Catalog, IndexFolder, SegmentWriter } from './storage.mjs';

const dimensions = 8;
const model = { name: 'made up', version: '1', fingerprint: 'sha256:0', path: null };
export const ids = [...Array.from({ length: 30 }, (_, number) => `d${number}`), 'nowhere'];

/**
 * An index as the bytes of its files, and its answers. `answers`: of every state that it has been in since its log began, as an index that
 * loses the end of its log is in one of them.
 */
export async function makeBases(parent) {
  const bases = [];
  for (const precision of ['int8', 'float32', 'bfloat16']) {
    for (const hasLog of [false, true]) {
      for (const version of [1, 2]) bases.push(await makeBase(join(parent, 'base'), { precision, hasLog, version }));
    }
  }
  return bases;
}

async function makeBase(directory, { precision, hasLog, version }) {
  const answers = [];
  const note = async () => {
    cpSync(directory, `${directory}.copy`, { recursive: true });
    answers.push(await answersOf(`${directory}.copy`, ids, { hasApproximate: false }));
    rmSync(`${directory}.copy`, { recursive: true });
  };
  await IndexFolder.create(directory, { model, dimensions, precision });
  const folder = await IndexFolder.open(directory);
  if (hasLog) await note();
  let writer = await folder.openWriter();
  await writer.commit(entries(0, 12, version));
  if (hasLog) await note();
  await writer.close();
  await addSegment(folder, entries(12, 20, version));
  writer = await folder.openWriter();
  // From here on commits wait in the log.
  answers.length = 0;
  if (hasLog) await note();
  await writer.commit(entries(16, 30, version + 2));
  if (hasLog) await note();
  writer.delete('d3');
  if (info().faiss.available) await buildApproximateIndex(directory, { factory: 'Flat' });
  if (!hasLog) await writer.close();
  await note();
  const files = readFiles(directory);
  if (hasLog) await writer.close();
  folder.close();
  rmSync(directory, { recursive: true });
  answers.reverse();
  return { name: `${precision}${hasLog ? ' with a log' : ''}`, precision, hasLog, version, files, answers };
}

function entries(from, to, version) {
  return Array.from({ length: to - from }, (_, index) => madeEntry(`d${from + index}`, version, dimensions));
}

/** A commit into a segment of its own, which a writer begins only where the one before is very large. */
async function addSegment(folder, added) {
  const catalog = Catalog.openForWriting(folder.directory);
  const segments = await SegmentWriter.open(folder.layout, catalog.lastSegment());
  await segments.startSegment();
  const first = catalog.totals().lastOrdinal + 1;
  const owners = added.flatMap(({ mentions }, index) => mentions.map(() => first + index));
  const vectors = Float32Array.from(added.flatMap(({ vectors: own }) => [...own]));
  const appended = await segments.append(vectors, Uint32Array.from(owners));
  catalog.write(() => {
    for (const [index, entry] of added.entries()) catalog.addDocument({ ordinal: first + index, ...entry });
    catalog.addBlock(appended);
  });
  await segments.close();
  catalog.checkpoint();
  catalog.close();
}

/** Path to bytes, without what readers make anew. */
function readFiles(directory) {
  const names = readdirSync(directory, { recursive: true }).map((name) => join(directory, name));
  const kept = names.filter(
    (file) => statSync(file).size > 0 && statSync(file).isFile() && !/-shm$|writer\./.test(file),
  );
  return new Map(kept.sort().map((file) => [relative(directory, file), readFileSync(file)]));
}
