import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NerRetrieverError } from '../errors.js';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { IndexFolder } from '../index/index-folder.js';
import type { IndexEntry, IndexWriter } from '../index/index-writer.js';
import { LexicalIndex } from '../lexical/lexical-index.js';
import type { Hit } from './hit.js';
import { hybridHits } from './hybrid-hits.js';
import { learnFrom } from './learn-from.js';
import { Searcher } from './searcher.js';

const dimensions = 4;

let parent: string;
let directory: string;
let folder: IndexFolder;
let writer: IndexWriter;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'hybrid-'));
  directory = join(parent, 'index');
  const model = { name: 'm', version: '1', fingerprint: 'f', path: null };
  await IndexFolder.create(directory, { model, dimensions, precision: 'int8' });
  folder = await IndexFolder.open(directory);
  writer = await folder.openWriter();
});

afterEach(async () => {
  await writer.close();
  folder.close();
  await rm(parent, { recursive: true });
});

interface Made {
  readonly text: string;
  readonly vectors: readonly Float32Array[];
}

function entry(id: string, { text, vectors }: Made): IndexEntry {
  return {
    document: { id, text },
    content: Buffer.from(`${text} ${vectors.map((one) => one.join())}`),
    mentions: vectors.map((_, index) => ({ start: index, end: index + 1, text: text.slice(index, index + 1) })),
    vectors: Float32Array.from(vectors.flatMap((one) => [...one])),
  };
}

const matrix = (...queries: Float32Array[]) => ({
  rows: queries.length,
  columns: dimensions,
  data: Float32Array.from(queries.flatMap((one) => [...one])),
});

/** One place of a few values: many exact ties, and inner products without rounding, whatever a query has learnt. */
const vector = (random: () => number) => {
  const place = Math.floor(random() * dimensions);
  const value = [-2, -1, 1, 2][Math.floor(random() * 4)] as number;
  return Float32Array.from({ length: dimensions }, (_, index) => (index === place ? value : 0));
};

const vocabulary = ['dinosaur', 'dinosaurs', 'opera', 'river', 'the', 'who', 'café', 'car', 'plain'];
const text = (random: () => number) =>
  Array.from({ length: 1 + Math.floor(random() * 9) }, () => vocabulary[Math.floor(random() * vocabulary.length)]).join(
    ' ',
  );

/** By definition: a ranking, and where there are words, another one by a vector that has learnt from the first ten. */
function slowly(living: ReadonlyMap<string, Made>, description: string, query: Float32Array) {
  const { byWords, hits } = ranked(living, description, query);
  if (byWords.length === 0) return hits;
  const found = hits.slice(0, 10).map(({ id, start }) => living.get(id)?.vectors[start] as Float32Array);
  return ranked(living, description, learnFrom(query, found)).hits;
}

/** Both rankings of the living documents in full, sums of places, a full sort; ties as the vectors have them. */
function ranked(living: ReadonlyMap<string, Made>, description: string, query: Float32Array) {
  const dot = (one: Float32Array) => one.reduce((sum, x, index) => sum + x * (query[index] as number), 0);
  const byVectors = [...living]
    .map(([id, { vectors }], age) => ({ id, age, best: Math.max(...vectors.map(dot)), vectors }))
    .filter(({ vectors }) => vectors.length > 0)
    .sort((one, two) => two.best - one.best || one.age - two.age);
  const lexical = new LexicalIndex();
  lexical.add([...living].map(([id, one]) => ({ id, text: one.text })));
  const byWords = lexical.search(description).map(({ id }) => id);
  lexical.close();
  const hits = byVectors
    .map(({ id, vectors, best }, place) => {
      const words = byWords.indexOf(id);
      const score = 1 / (61 + place) + (words < 0 ? 0 : 1 / (61 + words));
      return { id, place, score, start: vectors.findIndex((one) => dot(one) === best) };
    })
    .sort((one, two) => two.score - one.score || one.place - two.place)
    .map(({ id, score, start }) => ({ id, score, start }));
  return { byWords, hits };
}

const brief = (hits: readonly Hit[]) => hits.map(({ id, score, mention }) => ({ id, score, start: mention.start }));

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

test.each([1, 2, 3])(
  'equals a slow fusion of two full sorts through adds, replacements and deletions (seed %i)',
  async (seed) => {
    const random = randomNumbers(seed);
    const searcher = new Searcher(folder);
    const living = new Map<string, Made>();
    for (let round = 0; round < 6; round += 1) {
      const entries = new Map<string, Made>();
      for (let index = 0; index < 40; index += 1) {
        const vectors = Array.from({ length: Math.floor(random() * 4) }, () => vector(random));
        entries.set(`d${Math.floor(random() * 100)}`, { text: text(random), vectors });
      }
      await writer.commit([...entries].map(([id, made]) => entry(id, made)));
      for (const [id, made] of entries) {
        living.delete(id); // what is replaced is as young as what is new
        living.set(id, made);
      }
      const gone = `d${Math.floor(random() * 100)}`;
      expect(writer.delete(gone)).toBe(living.delete(gone));

      const descriptions = ['dinosaur', 'the car of a river', 'the who', 'unheard-of'];
      const queries = descriptions.map(() => vector(random));
      for (const limit of [1, 7, 1000]) {
        const results = await searcher.searchHybrid(descriptions, matrix(...queries), limit);
        for (const [place, hits] of results.entries()) {
          const expected = slowly(living, descriptions[place] as string, queries[place] as Float32Array);
          expect(brief(hits)).toEqual(expected.slice(0, limit));
        }
      }
      const query = queries[0] as Float32Array;
      const all = await collect(searcher.searchAllHybrid('dinosaur', matrix(query)));
      expect(brief(all)).toEqual(slowly(living, 'dinosaur', query));
    }
  },
);

test('whatever a description is made of, it is an answer and never an error', async () => {
  const one = Float32Array.of(1, 0, 0, 0);
  await writer.commit([
    entry('plain', { text: 'nothing to find', vectors: [one, one] }),
    entry('who', { text: 'The Who', vectors: [one] }),
    entry('nul', { text: 'before \0 dinosaurs after', vectors: [one] }),
  ]);
  const searcher = new Searcher(folder);
  const ids = async (description: string) =>
    (await searcher.searchHybrid([description], matrix(one), 10))[0]?.map(({ id }) => id);
  for (const strange of [
    '',
    '"',
    "'; DROP TABLE words; --",
    'NOT',
    '^text:',
    'a* NEAR(',
    '\0',
    '🦖',
    '\ud800',
    '\u0301',
  ]) {
    expect(await ids(strange)).toEqual(['plain', 'who', 'nul']);
  }
  expect(await ids('the who')).toEqual(['who', 'plain', 'nul']);
  // A text goes on after a NUL, and so does a description.
  expect(await ids('x\0dinosaur')).toEqual(['nul', 'plain', 'who']);
  expect(await ids(Array.from({ length: 3000 }, (_, number) => `dinosaur word${number}`).join(' '))).toHaveLength(3);
});

test('an index without a document, or without a vector, answers with nothing', async () => {
  const searcher = new Searcher(folder);
  const query = matrix(Float32Array.of(1, 0, 0, 0));
  expect(await searcher.searchHybrid(['dinosaur'], query, 10)).toEqual([[]]);
  await writer.commit([entry('a', { text: 'a dinosaur', vectors: [] })]);
  expect(await searcher.searchHybrid(['dinosaur'], query, 10)).toEqual([[]]);
  expect(await collect(searcher.searchAllHybrid('dinosaur', query))).toEqual([]);
  expect(await searcher.searchHybrid([], matrix(), 10)).toEqual([]);
});

test('a whole ranking under way does not change while documents are replaced, added and taken out', async () => {
  const random = randomNumbers(9);
  const living = new Map<string, Made>(
    Array.from({ length: 50 }, (_, age) => [`d${age}`, { text: text(random), vectors: [vector(random)] }]),
  );
  await writer.commit([...living].map(([id, made]) => entry(id, made)));
  const searcher = new Searcher(folder);
  const query = vector(random);
  const ranking = searcher.searchAllHybrid('dinosaur', matrix(query));
  const hits = [(await ranking.next()).value as Hit];
  await writer.commit([...living.keys()].map((id) => entry(id, { text: text(random), vectors: [vector(random)] })));
  writer.delete('d3');
  await searcher.searchHybrid(['car'], matrix(query), 5);
  hits.push(...(await collect(ranking)));
  expect(brief(hits)).toEqual(slowly(living, 'dinosaur', query));
});

test('vectors in memory that are newer than the snapshot: the ranking is that of the snapshot', async () => {
  const random = randomNumbers(12);
  const make = () => ({ text: text(random), vectors: [vector(random)] });
  const living = new Map<string, Made>(Array.from({ length: 30 }, (_, age) => [`d${age}`, make()]));
  await writer.commit([...living].map(([id, made]) => entry(id, made)));
  writer.delete('d7');
  living.delete('d7');
  const query = vector(random);
  using snapshot = await folder.snapshot();
  await writer.commit([entry('d3', make()), entry('later', make())]);
  writer.delete('d4');
  (await folder.snapshot())[Symbol.dispose]();
  expect(
    brief(await collect(hybridHits(snapshot, { description: 'dinosaur', query, documents: snapshot.alive.bits }))),
  ).toEqual(slowly(living, 'dinosaur', query));
});

test('a damaged catalog is an error or another ranking: never a crash, never another text', async () => {
  const random = randomNumbers(11);
  const made = new Map<string, Made>(
    Array.from({ length: 120 }, (_, age) => [`d${age}`, { text: text(random), vectors: [vector(random)] }]),
  );
  await writer.commit([...made].map(([id, one]) => entry(id, one)));
  await writer.close();
  const whole = await readFile(join(directory, 'catalog.sqlite'));
  const query = matrix(vector(random));
  let errors = 0;
  for (let round = 0; round < 150; round += 1) {
    const copy = join(parent, 'copy');
    await cp(directory, copy, { recursive: true });
    const damaged = Buffer.from(whole);
    for (let flips = 0; flips < 3; flips += 1) {
      const at = Math.floor(random() * damaged.length);
      damaged[at] = (damaged[at] as number) ^ (1 << Math.floor(random() * 8));
    }
    await writeFile(join(copy, 'catalog.sqlite'), damaged);
    try {
      const opened = await IndexFolder.open(copy);
      for await (const { id, document } of new Searcher(opened).searchAllHybrid('dinosaur opera', query)) {
        expect(document.text).toBe(made.get(id)?.text);
      }
      opened.close();
    } catch (error) {
      if (!NerRetrieverError.isInstance(error)) throw error;
      expect(error.code).toBe('INDEX_DAMAGED');
      errors += 1;
    }
    await rm(copy, { recursive: true });
  }
  expect(errors).toBeGreaterThan(10);
});
