// What does the full text for hybrid search cost? `index` end to end and the catalog's commits alone, each with and without it in turn, so that both see the same
// machine; bytes a document; giving it to an index of an earlier version; a search by vectors beside a hybrid one.
//   node bench/full-text.mjs [FILE.jsonl] [DOCUMENTS]
// DOCUMENTS (default 100,000) is for the commits: FILE's texts over and over, each under ids of its own.
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Retriever, readJsonLines } from '@ner-retriever/core';
import { IndexFolder } from '../packages/core/dist/index/index-folder.js';
import { saveResult } from './save-result.mjs';
import { temporaryFolder } from './temporary-folder.mjs';
import { textsOf } from './texts-of.mjs';

const Database = createRequire(new URL('../packages/core/package.json', import.meta.url))('libsql');
const file = process.argv[2] ?? new URL('../examples/demo/corpus.jsonl.gz', import.meta.url).pathname;
const documentCount = Number(process.argv[3] ?? 100_000);
const rounds = 3;
const commit = 1000;
const types = ['dinosaur', 'operatic soprano', 'company that makes cars', 'football club', 'river', 'film director'];

const folder = temporaryFolder();
const texts = textsOf(file);
// Texts that repeat bring no new words: the bytes of FILE's own texts stand beside those of many documents.
const results = { index: await indexing(), commits: [await commits(texts.length), await commits(documentCount)] };
saveResult('full-text', results);

/** `index` end to end, then searches in the last index. */
async function indexing() {
  const seconds = { with: [], without: [] };
  for (let round = 0; round < rounds; round++) {
    for (const kind of ['without', 'with']) {
      await using retriever = await Retriever.open(join(folder, `${kind}-${round}`), { create: true });
      if (kind === 'without') stopFilling(join(folder, `${kind}-${round}`));
      seconds[kind].push((await retriever.add(readJsonLines(file))).elapsedMs / 1000);
    }
  }
  await using retriever = await Retriever.open(join(folder, `with-${rounds - 1}`), { readOnly: true });
  const searchMs = { vectors: await searching(retriever, 'vectors'), hybrid: await searching(retriever, 'hybrid') };
  const { documents, mentions } = retriever.info();
  console.table({
    'index, without': { 'seconds, median': median(seconds.without).toFixed(2) },
    'index, with': { 'seconds, median': median(seconds.with).toFixed(2) },
    'search by vectors': { 'ms, median': searchMs.vectors.toFixed(2) },
    'search, hybrid': { 'ms, median': searchMs.hybrid.toFixed(2) },
  });
  return { documents, mentions, seconds, searchMs };
}

async function searching(retriever, mode) {
  const times = [];
  for (let round = 0; round < 10; round++) {
    for (const type of types) {
      const { elapsedMs } = await retriever.search(type, { mode });
      if (round > 0) times.push(elapsedMs); // the first round loads the vectors
    }
  }
  return median(times);
}

/** The catalog alone: documents without mentions. */
async function commits(count) {
  const runs = [];
  for (const kind of ['without', 'with']) {
    const directory = join(folder, `commits-${count}-${kind}`);
    await IndexFolder.create(directory, {
      model: { name: 'none', version: '1', fingerprint: 'none', path: null },
      dimensions: 1,
      precision: 'float32',
    });
    if (kind === 'without') stopFilling(directory);
    const opened = await IndexFolder.open(directory);
    runs.push({ kind, directory, opened, writer: await opened.openWriter(), seconds: [] });
  }
  for (let first = 0; first < count; first += commit) {
    const entries = Array.from({ length: Math.min(commit, count - first) }, (_, index) => entry(first + index));
    for (const { writer, seconds } of runs) {
      const begin = performance.now();
      await writer.commit(entries);
      seconds.push((performance.now() - begin) / 1000);
    }
  }
  const rows = [];
  for (const { kind, directory, opened, writer, seconds } of runs) {
    await writer.close();
    opened.close();
    const tenth = Math.ceil(seconds.length / 10);
    const microseconds = (some) => (1e6 * some.reduce((sum, one) => sum + one, 0)) / (some.length * commit);
    rows.push({
      kind,
      microsecondsPerDocument: microseconds(seconds),
      firstTenth: microseconds(seconds.slice(0, tenth)),
      lastTenth: microseconds(seconds.slice(-tenth)),
      bytesPerDocument: statSync(join(directory, 'catalog.sqlite')).size / count,
    });
  }
  console.table(rows);
  const textBytesPerDocument = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / texts.length;
  const upgradeSeconds = await upgrading(runs[0].directory);
  console.log(
    `${textBytesPerDocument.toFixed(0)} bytes of text a document; full text given to ${count} documents in ${upgradeSeconds.toFixed(1)} s`,
  );
  return { documents: count, rows, textBytesPerDocument, upgradeSeconds };
}

/** Makes the index one of an earlier version, and opens it with a writer. */
async function upgrading(directory) {
  const database = new Database(join(directory, 'catalog.sqlite'));
  database.exec('DROP TABLE words');
  database.close();
  const opened = await IndexFolder.open(directory);
  const begin = performance.now();
  const writer = await opened.openWriter();
  const seconds = (performance.now() - begin) / 1000;
  await writer.close();
  opened.close();
  return seconds;
}

function stopFilling(directory) {
  const database = new Database(join(directory, 'catalog.sqlite'));
  database.exec('DROP TRIGGER document_added; DROP TRIGGER document_removed;');
  database.close();
}

function entry(number) {
  const document = { id: `d${number}`, text: texts[number % texts.length] };
  return { document, content: Buffer.alloc(32, document.id), mentions: [], vectors: new Float32Array() };
}

function median(values) {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}
