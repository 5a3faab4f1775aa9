import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomNumbers } from '../../evaluation/random-numbers.js';
import { IndexFolder } from '../../index/index-folder.js';
import type { IndexWriter } from '../../index/index-writer.js';
import { fuseRankings } from '../fuse-rankings.js';
import type { Hit } from '../hit.js';
import { learnFrom } from '../learn-from.js';
import { Searcher } from '../searcher.js';
import { parseWhere } from './parse-where.js';

const dimensions = 4;

let directory: string;
let folder: IndexFolder;
let writer: IndexWriter;
/** Of each document: a mention starts at its row. */
let rows: Map<string, Float32Array[]>;

beforeEach(async () => {
  rows = new Map();
  directory = await mkdtemp(join(tmpdir(), 'filtered-'));
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

/** One place of a few values: many exact ties, and inner products without rounding, whatever a query has learnt. */
const vector = (random: () => number) => {
  const value = [-2, -1, 1, 2][Math.floor(random() * 4)] as number;
  const place = Math.floor(random() * dimensions);
  return Float32Array.from({ length: dimensions }, (_, index) => (index === place ? value : 0));
};

async function hitsOf(searcher: Searcher, ...wanted: Parameters<Searcher['search']>): Promise<Hit[][]> {
  return (await searcher.search(...wanted)).map(({ hits }) => hits);
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

const brief = (hits: readonly Hit[]) => hits.map(({ id, score, mention }) => ({ id, score, start: mention.start }));

/** Years 2000 to 2019, a word in two texts of three, one document in ten with so many mentions that they fill a shallow search. */
async function addDocuments(random: () => number, first: number, count: number): Promise<void> {
  await writer.commit(
    Array.from({ length: count }, (_, index) => {
      const number = first + index;
      const text = `${number % 3 === 0 ? 'a river in spate' : 'a town by a river'} ${number}`;
      const own = Array.from({ length: random() < 0.1 ? 40 : 1 + Math.floor(random() * 3) }, () => vector(random));
      rows.set(`d${number}`, own);
      return {
        document: { id: `d${number}`, text, metadata: { year: 2000 + (number % 20), even: number % 2 === 0 } },
        content: Buffer.from(text),
        mentions: own.map((_, row) => ({ start: row, end: row + 1, text: '' })),
        vectors: Float32Array.from(own.flatMap((one) => [...one])),
      };
    }),
  );
}

test.each([1, 2, 3])('every mode finds what it would, less what is filtered out (seed %i)', async (seed) => {
  const random = randomNumbers(seed);
  const searcher = new Searcher(folder);
  const where = parseWhere({ year: { $gte: 2005, $lt: 2012 }, even: true });
  const fits = ({ document: { metadata } }: Hit) =>
    (metadata?.year as number) >= 2005 && (metadata?.year as number) < 2012 && metadata?.even === true;
  for (let round = 0; round < 3; round += 1) {
    await addDocuments(random, round * 100, 100);
    expect(writer.delete(`d${round * 100 + 6}`)).toBe(true);
    const query = vector(random);
    const queries = { rows: 1, columns: dimensions, data: query };
    const all = await collect(searcher.searchAll(query));
    const expected = all.filter(fits);
    expect(expected.length).toBeGreaterThan(10);
    expect(expected.length).toBeLessThan(all.length);

    expect(brief(await collect(searcher.searchAll(query, { where })))).toEqual(brief(expected));
    for (const limit of [1, 5, 1000]) {
      const [hits] = await hitsOf(searcher, queries, limit, { where });
      expect(brief(hits ?? [])).toEqual(brief(expected.slice(0, limit)));
    }
    const [threshold] = await hitsOf(searcher, queries, 1000, { minScore: 1, where });
    expect(brief(threshold ?? [])).toEqual(brief(expected.filter(({ score }) => score >= 1)));

    // Places are counted among the documents that may be found, as if there were no others; and nothing is learnt from others.
    const ordinalOf = (hit: Hit) => folder.catalog.find(hit.id)?.ordinal as number;
    const allowed = new Set(expected.map(ordinalOf));
    const words = folder.catalog.findWords('town').filter((ordinal) => allowed.has(ordinal));
    expect(words.length).toBeGreaterThan(0);
    const fused = (hits: readonly Hit[]) =>
      [...fuseRankings(Uint32Array.from(hits, ordinalOf), words)].map(({ index, score }) => ({
        ...(hits[index] as Hit),
        score,
      }));
    const found = fused(expected)
      .slice(0, 10)
      .map(({ id, mention }) => rows.get(id)?.[mention.start] as Float32Array);
    const learnt = (await collect(searcher.searchAll(learnFrom(query, found)))).filter(fits);
    const hybrid = await collect(searcher.searchAllHybrid('town', queries, { where }));
    expect(brief(hybrid)).toEqual(brief(fused(learnt)));
    const [best] = await searcher.searchHybrid(['town'], queries, 3, { where });
    expect(brief(best ?? [])).toEqual(brief(hybrid.slice(0, 3)));
  }
});

test('a filter that lets nothing through finds nothing', async () => {
  await addDocuments(randomNumbers(1), 0, 50);
  const searcher = new Searcher(folder);
  const where = parseWhere({ year: 'never' });
  const query = Float32Array.from([1, 0, 0, 0]);
  const queries = { rows: 1, columns: dimensions, data: query };
  expect(await hitsOf(searcher, queries, 5, { where })).toEqual([[]]);
  expect(await collect(searcher.searchAll(query, { where }))).toEqual([]);
  expect(await searcher.searchHybrid(['town'], queries, 5, { where })).toEqual([[]]);
});

test('an iteration keeps to the state it began with, whatever the filter is asked meanwhile', async () => {
  const random = randomNumbers(4);
  await addDocuments(random, 0, 60);
  const searcher = new Searcher(folder);
  const where = parseWhere({ even: true });
  const query = vector(random);
  const expected = (await collect(searcher.searchAll(query))).filter(
    ({ document }) => document.metadata?.even === true,
  );
  const hits = searcher.searchAll(query, { where });
  const first = await hits.next();
  writer.delete('d10');
  await addDocuments(random, 60, 20);
  const queries = { rows: 1, columns: dimensions, data: query };
  const [now] = await hitsOf(searcher, queries, 1000, { where });
  expect(now?.length).toBe(30 - 1 + 10);
  expect(brief([first.value as Hit, ...(await collect(hits))])).toEqual(brief(expected));
});
