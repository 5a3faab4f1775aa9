import { expect, test } from 'vitest';
import { Bm25Ranking } from './bm25-ranking.js';
import { FusedRanking } from './fused-ranking.js';
import { MentionRanking } from './mention-ranking.js';
import { randomNumbers } from './random-numbers.js';
import type { Ranking } from './ranking.js';

const fixed = (...documents: number[]): Ranking => ({
  system: 'bm25',
  best: async (_, count) => documents.slice(0, count),
});

test('sums 1 / (60 + place); what one ranking has not found may still be found', async () => {
  const fused = new FusedRanking('hybrid', [fixed(7, 1, 2), fixed(2, 3)]);
  // 2: 1/63 + 1/61; then 7: 1/61; then 1 and 3 at 1/62 each: the first ranking's comes first.
  expect(await fused.best('x', 10)).toEqual([2, 7, 1, 3]);
  expect(await fused.best('x', 2)).toEqual([2, 7]);
  expect(await new FusedRanking('hybrid', [fixed(), fixed()]).best('x', 5)).toEqual([]);
});

test('agrees with the formula on random rankings', async () => {
  const random = randomNumbers(3);
  for (let round = 0; round < 50; round++) {
    const shuffled = () =>
      [...Array(20).keys()]
        .map((document) => ({ document, key: random() }))
        .sort((one, other) => one.key - other.key)
        .slice(0, Math.floor(random() * 21))
        .map(({ document }) => document);
    const [one, other] = [shuffled(), shuffled()];
    const score = (document: number) =>
      [one, other].reduce((sum, list) => sum + (list.includes(document) ? 1 / (61 + list.indexOf(document)) : 0), 0);
    const found = await new FusedRanking('hybrid', [fixed(...one), fixed(...other)]).best('x', 100);
    expect([...found].sort((a, b) => a - b)).toEqual([...new Set([...one, ...other])].sort((a, b) => a - b));
    for (const [place, document] of found.slice(1).entries()) {
      expect(score(found[place] as number)).toBeGreaterThanOrEqual(score(document));
    }
  }
});

test('fuses BM25 and vectors whole, however few are asked for', async () => {
  const vectors = new MentionRanking('retriever', 1, new Map([['volcano', Float32Array.of(1)]]));
  await vectors.add({ rows: 3, columns: 1, data: Float32Array.of(0.9, 0.8, 0.1) }, [0, 1, 2]);
  const bm25 = new Bm25Ranking(['a', 'b', 'a volcano'].map((text) => ({ id: text, text, mentions: [] })));
  expect(await new FusedRanking('hybrid', [vectors, bm25]).best('volcano', 1)).toEqual([2]);
  bm25.close();
});
