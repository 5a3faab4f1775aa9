import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NerRetrieverError } from '../errors.js';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { IndexFolder } from '../index/index-folder.js';
import type { IndexEntry, IndexWriter } from '../index/index-writer.js';
import type { Hit } from './hit.js';
import { Searcher } from './searcher.js';

const dimensions = 8;

let directory: string;
let folder: IndexFolder;
let writer: IndexWriter;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'searcher-'));
  const model = { name: 'm', version: '1', fingerprint: 'f', path: null };
  await IndexFolder.create(directory, { model, dimensions, precision: 'int8' });
  folder = await IndexFolder.open(directory);
  writer = await folder.openWriter();
});

afterEach(async () => {
  await writer.close();
  folder.close();
  await rm(directory, { recursive: true });
});

/** Few different values, small whole numbers: many exact ties, and sums without rounding. */
function vector(random: () => number): Float32Array {
  return Float32Array.from({ length: dimensions }, () => Math.floor(random() * 3) - 1);
}

function entry(id: string, vectors: Float32Array[]): IndexEntry {
  const flat = new Float32Array(vectors.length * dimensions);
  for (const [index, one] of vectors.entries()) flat.set(one, index * dimensions);
  return {
    document: { id, text: `text of ${id}` },
    content: Buffer.from(`${id} ${flat}`),
    mentions: vectors.map((_, index) => ({ start: index % 5, end: (index % 5) + 1, text: '' })),
    vectors: flat,
  };
}

const matrix = (data: Float32Array) => ({ rows: data.length / dimensions, columns: dimensions, data });

/** The ranking by definition: best mention of every living document, sorted in full; ties by age. */
function fullSort(living: Map<string, { age: number; vectors: Float32Array[] }>, query: Float32Array) {
  const dot = (a: Float32Array) => a.reduce((sum, x, index) => sum + x * (query[index] as number), 0);
  return [...living]
    .filter(([, { vectors }]) => vectors.length > 0)
    .map(([id, { age, vectors }]) => ({ id, age, score: Math.max(...vectors.map(dot)) }))
    .sort((a, b) => b.score - a.score || a.age - b.age)
    .map(({ id, score }) => ({ id, score }));
}

const brief = (hits: readonly Hit[]) => hits.map(({ id, score }) => ({ id, score }));

async function hitsOf(searcher: Searcher, ...wanted: Parameters<Searcher['search']>): Promise<Hit[][]> {
  return (await searcher.search(...wanted)).map(({ hits }) => hits);
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

test.each([1, 2, 3, 4, 5])(
  'top-k equals a full sort through adds, replacements and deletions (seed %i)',
  async (seed) => {
    const random = randomNumbers(seed);
    const searcher = new Searcher(folder);
    const living = new Map<string, { age: number; vectors: Float32Array[] }>();
    let age = 0;
    for (let round = 0; round < 6; round += 1) {
      const entries = new Map<string, Float32Array[]>();
      for (let index = 0; index < 30; index += 1) {
        // One document in eight has very many mentions: they stand before every other document.
        const count = random() < 0.125 ? 60 : Math.floor(random() * 4);
        entries.set(
          `d${Math.floor(random() * 80)}`,
          Array.from({ length: count }, () => vector(random)),
        );
      }
      await writer.commit([...entries].map(([id, vectors]) => entry(id, vectors)));
      for (const [id, vectors] of entries) {
        age += 1;
        living.set(id, { age, vectors });
      }
      const gone = `d${Math.floor(random() * 80)}`;
      expect(writer.delete(gone)).toBe(living.delete(gone));
      if (round % 2 === 1) await writer.compact({ signal: undefined, report: () => {} });

      const queries = Float32Array.from([...vector(random), ...vector(random), ...vector(random)]);
      for (const limit of [1, 7, 1000]) {
        const results = await hitsOf(searcher, matrix(queries), limit);
        for (const [index, hits] of results.entries()) {
          const query = queries.subarray(index * dimensions, (index + 1) * dimensions);
          expect(brief(hits)).toEqual(fullSort(living, query).slice(0, limit));
        }
      }
      const query = queries.subarray(0, dimensions);
      expect(brief(await collect(searcher.searchAll(query)))).toEqual(fullSort(living, query));
      const [above] = await hitsOf(searcher, matrix(query), 1000, { minScore: 2 });
      expect(brief(above as Hit[])).toEqual(fullSort(living, query).filter(({ score }) => score >= 2));
      expect(brief(await collect(searcher.searchAll(query, { minScore: 2 })))).toEqual(brief(above as Hit[]));
    }
    const opened = await IndexFolder.open(directory);
    const query = vector(random);
    const [again] = await hitsOf(new Searcher(opened), matrix(query), 1000);
    expect(brief(again as Hit[])).toEqual(fullSort(living, query));
    opened.close();
  },
);

test('a damaged catalog is an error or does no harm: never a crash, never another text', async () => {
  const random = randomNumbers(11);
  const ids = Array.from({ length: 120 }, (_, number) => `d${number}`);
  for (const part of [ids.slice(0, 60), ids.slice(60)]) {
    await writer.commit(part.map((id) => entry(id, [vector(random), vector(random)])));
  }
  await writer.close();
  const whole = await readFile(join(directory, 'catalog.sqlite'));
  const query = vector(random);
  const copy = await mkdtemp(join(tmpdir(), 'damaged-'));
  let errors = 0;
  for (let round = 0; round < 120; round += 1) {
    await cp(directory, copy, { recursive: true });
    for (const suffix of ['-wal', '-shm']) await rm(join(copy, `catalog.sqlite${suffix}`), { force: true });
    const damaged = round % 10 === 0 ? whole.subarray(0, Math.floor(random() * whole.length)) : Buffer.from(whole);
    for (let flips = 0; flips < 3 && damaged.length > 0; flips += 1) {
      const at = Math.floor(random() * damaged.length);
      damaged[at] = (damaged[at] as number) ^ (1 << Math.floor(random() * 8));
    }
    await writeFile(join(copy, 'catalog.sqlite'), damaged);
    try {
      const opened = await IndexFolder.open(copy);
      for (const { id, document } of await collect(new Searcher(opened).searchAll(query))) {
        expect(document).toEqual({ id, text: `text of ${id}` });
      }
      for (const id of ids) expect(opened.get(id) ?? entry(id, []).document).toEqual(entry(id, []).document);
      opened.close();
    } catch (error) {
      if (!NerRetrieverError.isInstance(error)) throw error;
      expect(error.code).toBe('INDEX_DAMAGED');
      errors += 1;
    }
    await rm(copy, { recursive: true });
  }
  expect(errors).toBeGreaterThan(60);
});

test('the evidence is the best mention, with the very text that its offsets cut out', async () => {
  const [low, high] = [new Float32Array(dimensions).fill(0.1), new Float32Array(dimensions).fill(0.3)];
  await writer.commit([entry('abcdef', [low, high, low])]);
  const [hits] = await hitsOf(new Searcher(folder), matrix(high), 10);
  expect(hits).toEqual([
    {
      id: 'abcdef',
      score: expect.closeTo(0.72, 5),
      mention: { start: 1, end: 2, text: 'e' },
      document: { id: 'abcdef', text: 'text of abcdef' },
    },
  ]);
});

test('with evidence, a hit has its best mentions, in all ways to search', async () => {
  const [low, high, middle] = [0.1, 0.3, 0.2].map((value) => new Float32Array(dimensions).fill(value));
  await writer.commit([
    entry('abcdef', [low, high, middle, high] as Float32Array[]),
    entry('one', [low] as Float32Array[]),
  ]);
  const searcher = new Searcher(folder);
  const query = high as Float32Array;
  const mention = (start: number, text: string, similarity: number) => ({
    start,
    end: start + 1,
    text,
    similarity: expect.closeTo(similarity, 5),
  });
  const mentions = [[mention(1, 'e', 0.72), mention(3, 't', 0.72), mention(2, 'x', 0.48)], [mention(0, 't', 0.24)]];
  const found = async (hits: AsyncIterable<Hit> | Iterable<Hit>) => {
    const all = [];
    for await (const hit of hits) all.push(hit.mentions);
    return all;
  };
  expect(await found((await hitsOf(searcher, matrix(query), 10, { evidence: 3 }))[0] as Hit[])).toEqual(mentions);
  expect(await found(searcher.searchAll(query, { evidence: 3 }))).toEqual(mentions);
  // The vector of a query that has learnt is of length 1; this one's direction stays.
  const length = 0.3 * Math.sqrt(dimensions);
  const learnt = [
    [mention(1, 'e', 0.72 / length), mention(3, 't', 0.72 / length), mention(2, 'x', 0.48 / length)],
    [mention(0, 't', 0.24 / length)],
  ];
  expect(await found(searcher.searchAllHybrid('text', matrix(query), { evidence: 3 }))).toEqual(learnt);
});

test('an index without a vector answers with nothing', async () => {
  await writer.commit([entry('a', [])]);
  const searcher = new Searcher(folder);
  const query = new Float32Array(dimensions).fill(1);
  expect(await hitsOf(searcher, matrix(query), 10)).toEqual([[]]);
  expect(await collect(searcher.searchAll(query))).toEqual([]);
  expect(await hitsOf(searcher, matrix(new Float32Array()), 10)).toEqual([]);
});

test('a whole ranking under way does not change while documents are replaced and added', async () => {
  const random = randomNumbers(9);
  const living = new Map(Array.from({ length: 50 }, (_, age) => [`d${age}`, { age, vectors: [vector(random)] }]));
  await writer.commit([...living].map(([id, { vectors }]) => entry(id, vectors)));
  const searcher = new Searcher(folder);
  const query = vector(random);
  const ranking = searcher.searchAll(query);
  const hits = [(await ranking.next()).value as Hit];
  await writer.commit([...living.keys()].map((id) => entry(id, [vector(random), vector(random)])));
  await hitsOf(searcher, matrix(query), 5);
  hits.push(...(await collect(ranking)));
  expect(brief(hits)).toEqual(fullSort(living, query));
});
