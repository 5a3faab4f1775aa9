import { expect, test } from 'vitest';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { fuseRankings } from './fuse-rankings.js';

const fused = (ranking: number[], other: number[]) =>
  [...fuseRankings(Uint32Array.from(ranking), other)].map(({ index, score }) => ({ document: ranking[index], score }));

test('sums 1 / (60 + place); what only the other ranking has takes a place there and is not in the result', () => {
  expect(fused([7, 1, 2], [2, 3, 1])).toEqual([
    { document: 2, score: 1 / 63 + 1 / 61 },
    { document: 1, score: 1 / 62 + 1 / 63 },
    { document: 7, score: 1 / 61 },
  ]);
  expect(fused([], [1, 2])).toEqual([]);
  expect(fused([4, 5], [])).toEqual([
    { document: 4, score: 1 / 61 },
    { document: 5, score: 1 / 62 },
  ]);
});

test('equal scores stand as in the first ranking', () => {
  // 1 and 2 swap their places.
  expect(fused([1, 2], [2, 1]).map(({ document }) => document)).toEqual([1, 2]);
});

test('agrees with a full sort by the formula on random rankings', () => {
  const random = randomNumbers(5);
  for (let round = 0; round < 200; round += 1) {
    const size = Math.floor(random() * 150);
    const shuffled = () =>
      Array.from({ length: size }, (_, document) => ({ document, key: random() }))
        .sort((one, two) => one.key - two.key)
        .slice(0, Math.floor(random() * (size + 1)))
        .map(({ document }) => document);
    const [ranking, other] = [shuffled(), shuffled()];
    const score = (document: number) =>
      [ranking, other].reduce(
        (sum, list) => sum + (list.includes(document) ? 1 / (61 + list.indexOf(document)) : 0),
        0,
      );
    const slow = ranking
      .map((document) => ({ document, score: score(document) }))
      .sort((one, two) => two.score - one.score || ranking.indexOf(one.document) - ranking.indexOf(two.document));
    expect(fused(ranking, other)).toEqual(slow);
  }
});
