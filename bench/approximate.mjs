// What do approximate indexes give for their memory at equal recall? FaissIndex against usearch, hnswlib-node and the Python wheel faiss-cpu, and
// against the exact scan: build time, queries a second one at a time and 64 at once, bytes of the file. Each is given the least efSearch or nprobe
// that finds 95 % of the ten nearest rows, and marked where none does; all use two threads where they can. Peers that are not there are left out and named.
//   node bench/approximate.mjs [--vectors FILE.f32] [--rows 200000] [--peers FOLDER] [--python PYTHON]
//     --vectors  raw little-endian float32 rows of 256; default: the demo corpus's mentions, embedded
//     --peers    a folder in which `npm i usearch hnswlib-node` was run
//     --python   an interpreter that has faiss-cpu; default python3
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Embedder } from '@ner-retriever/core';
import { FaissIndex, info, VectorIndex } from '@ner-retriever/native';
import { saveResult } from './save-result.mjs';
import { temporaryFolder } from './temporary-folder.mjs';

const dimensions = 256;
const limit = 10;
const wantedRecall = 0.95;
const queryCount = 1000;
const threads = 2;
// Links a row (twice as many on the lowest level) and candidates while building: FAISS's defaults, for all graphs.
const links = 32;
const efConstruction = 40;
/** Rows that IVF indexes are trained on: FAISS asks for 39 or more a list. */
const trainedOn = 50_000;
/** Lengths of the random steps from a real vector of length one: other mentions of its kind, and not its copies. */
const jitter = 0.5;
const ladders = {
  efSearch: [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024],
  nprobe: [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024],
};
const kinds = [
  { factory: `HNSW${links}`, parameter: 'efSearch' },
  { factory: 'IVF1024,Flat', parameter: 'nprobe' },
  { factory: 'IVF1024,SQ8', parameter: 'nprobe' },
  { factory: 'IVF1024,PQ64x4fs,RFlat', parameter: 'nprobe', refineFactor: 128 },
];

const { values: options } = parseArgs({
  options: {
    vectors: { type: 'string' },
    rows: { type: 'string', default: '200000' },
    peers: { type: 'string' },
    python: { type: 'string', default: 'python3' },
  },
});
const rowCount = Number(options.rows);
const folder = temporaryFolder();
const real = options.vectors === undefined ? await embedDemo() : floats(options.vectors);
const { rows, queries } = grow(real);
const exact = await exactAnswers();
console.log(
  `${rowCount} rows of ${dimensions}, from ${real.length / dimensions} real vectors with steps of length ${jitter}; ${queryCount} queries made the same way; ${threads} threads`,
);

const results = [];
const absent = [];
await measure(exactScan());
for (const kind of kinds) await measure(ours(kind));
if (options.peers === undefined) absent.push('usearch and hnswlib-node (no --peers)');
else {
  const require = createRequire(join(resolve(options.peers), 'package.json'));
  for (const [name, contender] of Object.entries({ usearch, 'hnswlib-node': hnswlib })) {
    try {
      await measure(contender(require(name)));
    } catch (error) {
      absent.push(`${name} (${error.message.split('\n')[0]})`);
    }
  }
}
if (spawnSync(options.python, ['-c', 'import faiss']).status === 0) await measureWithPython();
else absent.push(`faiss-cpu (${options.python} has none)`);

console.table(
  results.map(({ name, setting, recall, buildSeconds, single, batched, bytes }) => ({
    index: name,
    setting,
    'recall@10': `${recall.toFixed(3)}${recall < wantedRecall ? ' (missed)' : ''}`,
    'build s': buildSeconds.toFixed(1),
    'queries/s, one at a time': Math.round(single),
    'queries/s, 64 at once': Math.round(batched),
    'bytes a row': Math.round(bytes / rowCount),
  })),
);
if (absent.length > 0) console.log(`not measured: ${absent.join(', ')}`);
saveResult('approximate', {
  rows: rowCount,
  dimensions,
  realVectors: real.length / dimensions,
  jitter,
  threads,
  wantedRecall,
  kinds,
  links,
  efConstruction,
  trainedOn,
  faiss: info().faiss.version,
  results,
  absent,
});

/** Builds, finds the least setting that is good enough, and takes the times. */
async function measure({ name, parameter, ladder, build, search, bytes }) {
  const started = performance.now();
  await build();
  const buildSeconds = (performance.now() - started) / 1000;
  let setting;
  let recall;
  for (setting of ladder) {
    recall = recallOf(await search(queries, setting));
    if (recall >= wantedRecall) break;
  }
  const single = await queriesASecond(1, 400, (some) => search(some, setting));
  const batched = await queriesASecond(64, 960, (some) => search(some, setting));
  results.push({
    name,
    setting: parameter === undefined ? '' : `${parameter} ${setting}`,
    recall,
    buildSeconds,
    single,
    batched,
    bytes: await bytes(),
  });
  progress(results.at(-1));
}

/** A line as soon as there is something to say: the whole takes long. */
function progress({ name, setting, recall, buildSeconds, single, batched }) {
  const speeds = `${Math.round(single)} and ${Math.round(batched)} queries/s`;
  console.log(`${name}: ${buildSeconds.toFixed(1)} s, ${setting}, recall ${recall.toFixed(3)}, ${speeds}`);
}

/** The best of three rounds over the first `count` queries, `together` of them in a call. */
async function queriesASecond(together, count, search) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const started = performance.now();
    for (let first = 0; first < count; first += together) {
      await search(queries.subarray(first * dimensions, (first + together) * dimensions));
    }
    best = Math.min(best, performance.now() - started);
  }
  return (1000 * count) / best;
}

function exactScan() {
  const index = new VectorIndex({ dimensions, threads });
  return {
    name: 'exact scan (float32), every row',
    ladder: [undefined],
    build: () => index.add(rows),
    search: async (some) => (await index.search(some, limit)).rows,
    bytes: () => rows.byteLength,
  };
}

function ours({ factory, parameter, refineFactor }) {
  const index = FaissIndex.create({ factory, dimensions, threads });
  const file = join(folder, 'index.faiss');
  return {
    name: `FaissIndex ${factory}`,
    parameter,
    ladder: ladders[parameter],
    build: async () => {
      if (!index.isTrained) await index.train(rows.subarray(0, trainedOn * dimensions));
      await index.add(rows);
    },
    search: async (some, setting) => {
      const found = await index.search(some, limit, { [parameter]: setting, ...(refineFactor && { refineFactor }) });
      return found.rows;
    },
    bytes: async () => {
      await index.write(file);
      return statSync(file).size;
    },
  };
}

function usearch({ Index }) {
  const make = (expansion_search) =>
    new Index({
      metric: 'ip',
      quantization: 'f32',
      dimensions,
      connectivity: links,
      expansion_add: efConstruction,
      expansion_search,
    });
  const file = join(folder, 'index.usearch');
  const built = make(10);
  // How many candidates a search keeps is said when an index is made: another one is made over the same file.
  let opened = { setting: undefined, index: undefined };
  return {
    name: `usearch, connectivity ${links}`,
    parameter: 'efSearch',
    ladder: ladders.efSearch,
    build: () =>
      built.add(
        BigUint64Array.from({ length: rowCount }, (_, row) => BigInt(row)),
        rows,
        threads,
      ),
    search: (some, setting) => {
      if (opened.setting !== setting) {
        if (opened.setting === undefined) built.save(file);
        opened = { setting, index: make(setting) };
        opened.index.load(file);
      }
      return Uint32Array.from(opened.index.search(some, limit, threads).keys, Number);
    },
    bytes: () => statSync(file).size,
  };
}

function hnswlib({ HierarchicalNSW }) {
  const index = new HierarchicalNSW('ip', dimensions);
  const file = join(folder, 'index.hnswlib');
  return {
    name: `hnswlib-node, m ${links} (one thread is all it has)`,
    parameter: 'efSearch',
    ladder: ladders.efSearch,
    build: () => {
      index.initIndex(rowCount, links, efConstruction);
      for (let row = 0; row < rowCount; row++) index.addPoint(vector(rows, row), row);
    },
    search: (some, setting) => {
      index.setEf(setting);
      const found = [];
      for (let query = 0; query < some.length / dimensions; query++) {
        found.push(...index.searchKnn(vector(some, query), limit).neighbors);
      }
      return found;
    },
    bytes: () => {
      index.writeIndexSync(file);
      return statSync(file).size;
    },
  };
}

async function measureWithPython() {
  const write = (name, content) => writeFileSync(join(folder, name), content);
  write('rows.f32', rows);
  write('queries.f32', queries);
  write('exact.u32', exact);
  write('facts.json', JSON.stringify({ dimensions, limit, threads, wantedRecall, trainedOn, kinds, ladders }));
  const script = fileURLToPath(new URL('./approximate.py', import.meta.url));
  const child = spawn(options.python, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  for await (const line of createInterface(child.stdout)) {
    const result = JSON.parse(line);
    results.push(result);
    progress(result);
  }
  const [exitCode] = await closed;
  if (exitCode !== 0) absent.push('faiss-cpu (it failed)');
}

async function exactAnswers() {
  const index = new VectorIndex({ dimensions, threads });
  await index.add(rows);
  return (await index.search(queries, limit)).rows;
}

/** How many of the ten nearest rows were found; an unknown place counts as none. */
function recallOf(found) {
  let hits = 0;
  for (let query = 0; query < queryCount; query++) {
    const nearest = new Set(exact.subarray(query * limit, (query + 1) * limit));
    for (let place = 0; place < limit; place++) hits += nearest.delete(found[query * limit + place]) ? 1 : 0;
  }
  return hits / (queryCount * limit);
}

function vector(matrix, row) {
  return Array.from(matrix.subarray(row * dimensions, (row + 1) * dimensions));
}

/** The mentions of the demo's corpus as the bundled model sees them. */
async function embedDemo() {
  const file = fileURLToPath(new URL('../examples/demo/corpus.jsonl', import.meta.url));
  const documents = [];
  for await (const line of createInterface(createReadStream(file))) documents.push({ text: JSON.parse(line).text });
  const embedder = await Embedder.open();
  const { matrix } = await embedder.embedMentions(documents);
  await embedder.close();
  if (matrix.columns !== dimensions) throw new Error(`expected vectors of ${dimensions}, got ${matrix.columns}`);
  return matrix.data;
}

function floats(file) {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** Steps from real vectors in random directions, divided by their lengths: rows, then queries. */
function grow(vectors) {
  let state = 1;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const count = vectors.length / dimensions;
  const grown = new Float32Array((rowCount + queryCount) * dimensions);
  for (let row = 0; row < rowCount + queryCount; row++) {
    const source = Math.floor(uniform() * count) * dimensions;
    const values = grown.subarray(row * dimensions, (row + 1) * dimensions);
    let squares = 0;
    for (let i = 0; i < dimensions; i++) {
      values[i] = vectors[source + i] + (jitter / Math.sqrt(dimensions)) * normal();
      squares += values[i] ** 2;
    }
    for (let i = 0; i < dimensions; i++) values[i] /= Math.sqrt(squares);
  }
  return { rows: grown.slice(0, rowCount * dimensions), queries: grown.slice(rowCount * dimensions) };
}
