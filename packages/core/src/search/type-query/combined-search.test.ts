import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// The built package: its encoder threads need files that are JavaScript.
import {
  type Document,
  Embedder,
  type Hit,
  NerRetrieverError,
  Retriever,
  type TypeCombination,
  type TypeQuery,
} from '@ner-retriever/core';
import { afterAll, beforeAll, expect, test } from 'vitest';

const model = fileURLToPath(new URL('../../../../../test/fixtures/tiny-model', import.meta.url));

const names = ['Microraptor', 'Angela Merkel', 'Liaoning', 'Ferrari', 'Maria Callas', 'São Paulo', '🦖', 'Derby'];
const documents: Document[] = names.map((name, place) => {
  const text = `Some say that ${name} was seen near ${names[(place + 3) % names.length]} in ${1990 + place}.`;
  const other = names[(place + 3) % names.length] as string;
  const mentions = [name, other].map((mention) => {
    const start = text.indexOf(mention);
    return { start, end: start + mention.length };
  });
  return { id: name, text, mentions, metadata: { year: 1990 + place, tags: place % 2 === 0 ? ['even'] : [] } };
});

let directory: string;
let retriever: Retriever;
let embedder: Embedder;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'combined-'));
  retriever = await Retriever.open(join(directory, 'index'), { create: true, model, workers: 1 });
  await retriever.add(documents);
  embedder = await Embedder.open(model, { workers: 1 });
});

afterAll(async () => {
  await retriever.close();
  await embedder.close();
  await rm(directory, { recursive: true });
});

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

const brief = (hits: readonly Hit[]) =>
  hits.map(({ id, score }) => ({ id, score: expect.closeTo(score, 5) as number }));

/** The vectors' own arithmetic, in plain numbers. */
async function expected(
  weights: readonly (readonly [number, Float32Array])[],
): Promise<{ id: string; score: number }[]> {
  const sum = Array.from({ length: weights[0]?.[1].length as number }, (_, column) =>
    weights.reduce((total, [weight, vector]) => total + weight * (vector[column] as number), 0),
  );
  const length = Math.hypot(...sum);
  const { matrix, documents: found } = await embedder.embedMentions(documents, { mentions: 'given' });
  return found
    .map(({ firstRow, rows }, place) => {
      const scores = Array.from({ length: rows }, (_, row) =>
        sum.reduce(
          (total, value, column) =>
            total + (value / length) * (matrix.data[(firstRow + row) * matrix.columns + column] as number),
          0,
        ),
      );
      return { id: documents[place]?.id as string, score: Math.max(...scores) };
    })
    .sort((one, other) => other.score - one.score);
}

async function vectorOf(description: string): Promise<Float32Array> {
  return (await embedder.embedTypes([description])).data;
}

async function vectorIn(text: string, start: number, end: number): Promise<Float32Array> {
  return (await embedder.embedMentions([{ text, mentions: [{ start, end }] }])).matrix.data;
}

const text = 'Yesterday Toyota opened a plant.';
const query: TypeCombination = {
  all: ['company', { description: 'car maker', weight: 2 }],
  not: ['river', 'town'],
  examples: [{ text, start: 10, end: 16 }, 'Fiat'],
};

test('a combination ranks by its own vector, in one search, in many, and in the whole ranking', async () => {
  const ranking = await expected([
    [1 / 2, await vectorOf('company')],
    [2 / 2, await vectorOf('car maker')],
    [-0.2 / 2, await vectorOf('river')],
    [-0.2 / 2, await vectorOf('town')],
    [1 / 3, await vectorIn(text, 10, 16)],
    [0.4 / 3, await vectorIn('Fiat', 0, 4)],
  ]);
  expect(ranking).toEqual(brief((await retriever.search(query)).hits));
  expect(ranking).toEqual(brief(await collect(retriever.searchAll(query))));
  const [plain, combined, other] = await retriever.searchMany(['river', query, 'town']);
  expect(ranking).toEqual(brief(combined?.hits ?? []));
  expect(plain?.hits).toEqual((await retriever.search('river')).hits);
  expect(other?.hits).toEqual((await retriever.search('town')).hits);
  const middle = combined?.hits[3]?.score as number;
  expect((await retriever.search(query, { minScore: middle })).hits).toEqual(combined?.hits.slice(0, 4));
});

test('one description alone is what it is as a string', async () => {
  const { hits } = await retriever.search({ all: ['dinosaur'] });
  expect((await retriever.search('dinosaur')).hits.map(({ id, score }) => ({ id, score }))).toEqual(brief(hits));
});

test('an example finds its own document first', async () => {
  const { text: own = '', mentions: [span] = [] } = documents[4] ?? {};
  const { hits } = await retriever.search({ examples: [{ text: own, ...(span ?? { start: 0, end: 1 }) }] });
  expect(hits[0]).toMatchObject({ id: 'Maria Callas', score: expect.closeTo(1, 5) });
});

test('hybrid takes the words of what it is, not of what it is not', async () => {
  const { hits } = await retriever.search({ all: ['xyzzy', 'Liaoning'], not: ['Derby'] }, { mode: 'hybrid' });
  const byWords = new Set(documents.filter(({ text: own }) => own.includes('Liaoning')).map(({ id }) => id));
  const [first, second] = hits;
  expect(new Set([first?.id, second?.id])).toEqual(byWords);
  const everything = await collect(
    retriever.searchAll({ all: ['xyzzy', 'Liaoning'], not: ['Derby'] }, { mode: 'hybrid' }),
  );
  expect(everything.map(({ id }) => id)).toEqual(hits.map(({ id }) => id));
});

test('with examples alone hybrid has no words, and ranks as the vectors do', async () => {
  const { hits } = await retriever.search({ examples: ['Fiat'] });
  const hybrid = await retriever.search({ examples: ['Fiat'] }, { mode: 'hybrid' });
  expect(hybrid.hits.map(({ id }) => id)).toEqual(hits.map(({ id }) => id));
});

test('a filter by metadata goes with every mode', async () => {
  const where = { year: { $gte: 1992, $lt: 1997 }, tags: 'even' };
  const all = await retriever.search(query);
  const kept = all.hits.filter(({ id }) => ['Liaoning', 'Maria Callas', '🦖'].includes(id));
  expect(kept.length).toBe(3);
  expect((await retriever.search(query, { where })).hits).toEqual(kept);
  expect((await retriever.search(query, { where, limit: 1 })).hits).toEqual(kept.slice(0, 1));
  expect((await retriever.searchMany(['river', query], { where }))[1]?.hits).toEqual(kept);
  expect(await collect(retriever.searchAll(query, { where }))).toEqual(kept);
  const hybrid = await retriever.search('Liaoning', { where, mode: 'hybrid' });
  expect(new Set(hybrid.hits.map(({ id }) => id))).toEqual(new Set(kept.map(({ id }) => id)));
  expect((await retriever.search(query, { where: {} })).hits).toEqual(all.hits);
});

test.each<[TypeQuery | TypeQuery[], string, RegExp]>([
  [{ all: [' '] }, 'DESCRIPTION_EMPTY', /received " " \(number 0/],
  [['a', { all: ['b'], not: ['c', ''] }], 'DESCRIPTION_EMPTY', /received "" \(number 1/],
  [{ examples: [{ text: 'a   b', start: 1, end: 3 }] }, 'OPTION_INVALID', /at least one token for an example/],
  [{ examples: [''] }, 'OPTION_INVALID', /at least one token/],
  [
    { all: ['a'], not: [{ description: 'a', weight: 5 }] },
    'OPTION_INVALID',
    /do not cancel each other out .*"a" and its opposite/,
  ],
  [['a', { all: [] }], 'OPTION_INVALID', /for queries\[1\]/],
])('%j is refused', async (queries, code, message) => {
  const work = Array.isArray(queries) ? retriever.searchMany(queries) : retriever.search(queries);
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(NerRetrieverError.isInstance(error) && error.code).toBe(code);
  expect((error as Error).message).toMatch(message);
});

test('a filter that is none is refused before anything is read', async () => {
  await expect(retriever.search('a', { where: { year: { $gtee: 1 } as object } })).rejects.toThrow(
    /"\$gtee" for where\.year/,
  );
  await expect(retriever.searchAll('a', { where: 'lang=en' as never }).next()).rejects.toThrow(/for where/);
});
