// Does a document cost the same in a large index as in a small one? Documents of one sentence are written past the encoder, their vectors given: ids noted, the
// index asked whether it has them, commits of 1,000 with full text and syncs, all as `index` does it. Prints the cost a document as the index grows.
//   node bench/flat-cost.mjs [DOCUMENTS] [FILE.jsonl]
// DOCUMENTS: 1,000,000 unless told otherwise, which takes about 4 GB of TMPDIR.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Retriever } from '@ner-retriever/core';
import { IndexFolder } from '../packages/core/dist/index/index-folder.js';
import { costGraph } from './cost-graph.mjs';
import { saveResult } from './save-result.mjs';
import { oneSentenceDocuments } from './sentences.mjs';
import { temporaryFolder } from './temporary-folder.mjs';

const documentCount = Number(process.argv[2] ?? 1_000_000);
const file = process.argv[3] ?? fileURLToPath(new URL('../examples/demo/corpus.jsonl.gz', import.meta.url));
const commitDocuments = 1000;
const mentionsPerDocument = 2;
/** How large the index is where a row of the table ends. */
const sizes = [10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000].filter((size) => size <= documentCount);

const directory = join(temporaryFolder(), 'index');
const { dimensions } = await emptyIndex();
const vectors = await unitVectors(4096);

const folder = await IndexFolder.open(directory);
const writer = await folder.openWriter();
const rows = [];
let before = { documents: 0, seconds: 0, processorSeconds: 0 };
let written = { documents: 0, seconds: 0, processorSeconds: 0 };
for (const entries of commits()) {
  const begin = performance.now();
  const processor = process.cpuUsage();
  for (const { document, content, source } of entries) {
    if (writer.noteId(document.id, source)) throw new Error(`the id ${document.id} came twice`);
    if (writer.holds(document.id, content)) throw new Error(`${document.id} is there before it was added`);
  }
  await writer.commit(entries);
  const { user, system } = process.cpuUsage(processor);
  written = {
    documents: written.documents + entries.length,
    seconds: written.seconds + (performance.now() - begin) / 1000,
    processorSeconds: written.processorSeconds + (user + system) / 1e6,
  };
  if (!sizes.includes(written.documents)) continue;
  const documents = written.documents - before.documents;
  rows.push({
    documents: written.documents,
    microseconds: ((written.seconds - before.seconds) / documents) * 1e6,
    processorMicroseconds: ((written.processorSeconds - before.processorSeconds) / documents) * 1e6,
    bytes: folder.bytes().total / written.documents,
  });
  before = written;
  console.error(`${written.documents.toLocaleString('en-US')} documents in ${written.seconds.toFixed(0)} s`);
}
const closing = performance.now();
await writer.close();
const closeSeconds = (performance.now() - closing) / 1000;
folder.close();

console.table(
  rows.map(({ documents, microseconds, processorMicroseconds, bytes }) => ({
    'documents, up to': documents.toLocaleString('en-US'),
    'µs a document': microseconds.toFixed(0),
    'processor µs a document': processorMicroseconds.toFixed(0),
    'bytes a document': bytes.toFixed(0),
  })),
);
const growth = rows.at(-1).processorMicroseconds / rows[0].processorMicroseconds;
console.log(
  `a document at ${rows.at(-1).documents.toLocaleString('en-US')} takes ${growth.toFixed(2)} times the processor time of one at ${rows[0].documents.toLocaleString('en-US')} (${(rows.at(-1).microseconds / rows[0].microseconds).toFixed(2)} times the time); closing took ${closeSeconds.toFixed(1)} s`,
);
saveResult('flat-cost', { commitDocuments, mentionsPerDocument, dimensions, growth, closeSeconds, rows });
writeFileSync(new URL('results/flat-cost.svg', import.meta.url), costGraph(rows));

async function emptyIndex() {
  await using retriever = await Retriever.open(directory, { create: true, workers: 1 });
  return retriever.info();
}

/** Documents in commits. Ids in no order, as hashes are: each falls somewhere else in the catalog's index of ids. */
function* commits() {
  let entries = [];
  let line = 0;
  for (const { id, text } of oneSentenceDocuments(file, documentCount)) {
    const digest = createHash('sha256').update(id).digest();
    const mentions = Array.from({ length: mentionsPerDocument }, (_, number) => ({
      start: 4 * number,
      end: 4 * number + 3,
      text: text.slice(4 * number, 4 * number + 3),
      score: 0.5,
    }));
    const row = (line * mentionsPerDocument) % 4096;
    line += 1;
    entries.push({
      document: { id: digest.toString('hex', 0, 16), text },
      source: { file: 'sentences', line },
      content: digest,
      mentions,
      vectors: vectors.subarray(row * dimensions, (row + mentionsPerDocument) * dimensions),
    });
    if (entries.length === commitDocuments) {
      yield entries;
      entries = [];
    }
  }
  if (entries.length > 0) yield entries;
}

/** [rows, dimensions], each of length 1. */
async function unitVectors(count) {
  const data = Float32Array.from({ length: count * dimensions }, () => Math.random() - 0.5);
  for (let row = 0; row < count; row++) {
    const values = data.subarray(row * dimensions, (row + 1) * dimensions);
    const length = Math.hypot(...values);
    for (let i = 0; i < dimensions; i++) values[i] /= length;
  }
  return data;
}
