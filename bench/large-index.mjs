// Ten million mentions in one index: how long does it take to build, to open, to search, to update and to compact it, with how much memory, and how many
// bytes does a mention take? The vectors are synthetic ones in the manner of the corpus' real ones, written past the encoder.
//   node bench/large-index.mjs [MENTIONS] [FILE.jsonl]
// Each step is a process of its own. Its memory is what it has for itself (RssAnon, looked at every 20 ms): mapped files are the system's cache.
// Needs about 3 KB of disk a mention in TMPDIR while it compacts.
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IndexFolder } from '../packages/core/dist/index/index-folder.js';
import { Searcher } from '../packages/core/dist/search/searcher.js';
import { saveResult } from './save-result.mjs';
import { realVectors, SyntheticVectors } from './synthetic-vectors.mjs';
import { temporaryFolder } from './temporary-folder.mjs';

const mentionsADocument = 4;
const demoCorpus = fileURLToPath(new URL('../examples/demo/corpus.jsonl.gz', import.meta.url));
const steps = { build, open, all, update, compact, reopen: open };

if (process.send) {
  const [step, ...rest] = process.argv.slice(2);
  process.send({ result: await steps[step](...rest) });
  process.disconnect();
} else {
  const mentions = Number(process.argv[2] ?? 10_000_000);
  const file = process.argv[3] ?? demoCorpus;
  const folder = temporaryFolder();
  const directory = join(folder, 'large.index');
  const vectors = join(folder, 'real.float32');
  const { data, dimensions } = await realVectors(file);
  writeFileSync(vectors, data);
  const results = {};
  for (const step of Object.keys(steps)) {
    results[step] = await measure(step, directory, String(mentions), vectors, String(dimensions));
    console.log(`\n${step}`);
    console.table(results[step]);
  }
  saveResult('large-index', { mentions, mentionsADocument, dimensions, results });
}

async function build(directory, mentions, ...file) {
  const real = readVectors(...file);
  const vectors = new SyntheticVectors(real);
  await IndexFolder.create(directory, {
    model: { name: 'none', version: '1', fingerprint: 'none', path: null },
    dimensions: real.dimensions,
    precision: 'int8',
  });
  const folder = await IndexFolder.open(directory);
  const writer = await folder.openWriter();
  const documents = Number(mentions) / mentionsADocument;
  let making = 0;
  const startedAt = performance.now();
  for (let first = 0; first < documents; first += 1000) {
    const makingFrom = performance.now();
    const entries = makeEntries(vectors, real.dimensions, first, Math.min(1000, documents - first));
    making += performance.now() - makingFrom;
    await writer.commit(entries);
  }
  await writer.close();
  const seconds = (performance.now() - startedAt - making) / 1000;
  const result = {
    documents,
    mentions: Number(mentions),
    'seconds (without making the vectors)': round(seconds),
    'documents a second': Math.round(documents / seconds),
    'bytes a mention': round(folder.bytes().total / mentions),
    'of them vectors and codes': 5 * real.dimensions + 16,
  };
  folder.close();
  return result;
}

/** Documents of one sentence, each with mentions of its own. */
function makeEntries(vectors, dimensions, first, count, version = 0) {
  const all = vectors.take(count * mentionsADocument);
  return Array.from({ length: count }, (_, index) => {
    const id = `document ${first + index}`;
    const text = `Number ${first + index} (${version}): Anna met Bert, Carla and David at the station before the train left for the sea.`;
    const mentions = ['Anna', 'Bert', 'Carla', 'David'].map((name) => {
      const start = text.indexOf(name);
      return { start, end: start + name.length, text: name, score: 0.9 };
    });
    const from = index * mentionsADocument * dimensions;
    return {
      document: { id, text },
      content: Buffer.from(`${id} ${version}`),
      mentions,
      vectors: all.subarray(from, from + mentionsADocument * dimensions),
    };
  });
}

async function open(directory, _mentions, ...file) {
  const real = readVectors(...file);
  const openedAt = performance.now();
  const folder = await IndexFolder.open(directory);
  const openMs = performance.now() - openedAt;
  const searcher = new Searcher(folder);
  const query = (rows) => ({ rows, columns: real.dimensions, data: new SyntheticVectors(real, 7).take(rows) });
  const timed = async (rows, limit) => {
    const startedAt = performance.now();
    await searcher.search(query(rows), limit);
    return performance.now() - startedAt;
  };
  const firstMs = await timed(1, 10);
  const one = [];
  for (let round = 0; round < 7; round++) one.push(await timed(1, 10));
  const hundred = [];
  for (let round = 0; round < 5; round++) hundred.push(await timed(1, 100));
  const many = [];
  for (let round = 0; round < 3; round++) many.push(await timed(64, 100));
  folder.close();
  return {
    'ms to open': round(openMs),
    'ms of the first search (maps and checks all)': round(firstMs),
    'ms, one query, best 10': round(median(one)),
    'ms, one query, best 100': round(median(hundred)),
    'ms, 64 queries at once, best 100': round(median(many)),
  };
}

/** The whole ranking of one query, and what it takes beside what a search has taken already. */
async function all(directory, mentions, ...file) {
  const real = readVectors(...file);
  const folder = await IndexFolder.open(directory);
  const searcher = new Searcher(folder);
  const query = new SyntheticVectors(real, 7).take(1);
  await searcher.search({ rows: 1, columns: real.dimensions, data: query }, 10);
  globalThis.gc?.();
  const before = ownBytes();
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, ownBytes());
  }, 5);
  const startedAt = performance.now();
  let hits = 0;
  let firstMs = 0;
  for await (const _ of searcher.searchAll(query)) {
    if (hits++ === 0) firstMs = performance.now() - startedAt;
    if (hits === 100_000) break;
  }
  clearInterval(watch);
  const seconds = (performance.now() - startedAt) / 1000;
  folder.close();
  return {
    'ms to the first hit': round(firstMs),
    'seconds for the first 100,000 hits': round(seconds),
    'bytes a mention, at most': round((peak - before) / mentions),
  };
}

async function update(directory, mentions, ...file) {
  const real = readVectors(...file);
  const vectors = new SyntheticVectors(real, 99);
  const folder = await IndexFolder.open(directory);
  const writer = await folder.openWriter();
  const documents = Number(mentions) / mentionsADocument;
  const some = Math.round(documents / 100);
  let making = 0;
  const startedAt = performance.now();
  for (let done = 0; done < some; done += 1000) {
    const makingFrom = performance.now();
    const count = Math.min(1000, some - done);
    const entries = makeEntries(vectors, real.dimensions, Math.floor((done / some) * documents * 0.9), count, 1);
    making += performance.now() - makingFrom;
    await writer.commit(entries);
  }
  const replaceSeconds = (performance.now() - startedAt - making) / 1000;
  const deletedFrom = performance.now();
  const deleted = Math.min(1000, some);
  for (let index = 0; index < deleted; index++) writer.delete(`document ${documents - 1 - index}`);
  const deleteSeconds = (performance.now() - deletedFrom) / 1000;
  await writer.close();
  folder.close();
  return {
    'documents replaced': some,
    'replaced a second': Math.round(some / replaceSeconds),
    'documents deleted, each durable': deleted,
    'deleted a second': Math.round(deleted / deleteSeconds),
  };
}

async function compact(directory) {
  const folder = await IndexFolder.open(directory);
  const before = folder.bytes().total;
  const writer = await folder.openWriter();
  const { removedRows, movedRows, elapsedMs } = await writer.compact({ signal: undefined, report: () => {} });
  await writer.close();
  const result = {
    'rows removed': removedRows,
    'rows moved': movedRows,
    'seconds for the vectors': round(elapsedMs / 1000),
    'MB before': round(before / 1e6),
    'MB after': round(folder.bytes().total / 1e6),
  };
  folder.close();
  return result;
}

function readVectors(file, dimensions) {
  const bytes = readFileSync(file);
  return { data: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4), dimensions: Number(dimensions) };
}

function measure(step, ...rest) {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const child = fork(fileURLToPath(import.meta.url), [step, ...rest], { execArgv: ['--expose-gc'] });
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, ownBytes(child.pid));
    }, 20);
    let result;
    child.once('message', (message) => {
      result = message.result;
    });
    child.once('exit', (code) => {
      clearInterval(watch);
      if (!result) return reject(new Error(`${step} ended with exit code ${code}`));
      const seconds = (performance.now() - startedAt) / 1000;
      resolve({
        ...result,
        'seconds in all': round(seconds),
        'peak memory of its own, MiB': Math.round(peak / 2 ** 20),
      });
    });
  });
}

/** Memory of a process that no file stands behind, in bytes (Linux). */
function ownBytes(pid = 'self') {
  try {
    const [, kilobytes] = /RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0; // it has ended
  }
}

function median(values) {
  return [...values].sort((one, two) => one - two)[Math.floor(values.length / 2)];
}

function round(value) {
  return Number(value.toPrecision(4));
}
