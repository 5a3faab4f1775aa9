import { expect, test } from 'vitest';
import type { Matrix } from '../matrix.js';
import { MentionRanking } from './mention-ranking.js';

/** Two-dimensional vectors whose inner product with the query [1, 0] is the number given. */
const scored = (...scores: number[]): Matrix => ({
  rows: scores.length,
  columns: 2,
  data: Float32Array.from(scores.flatMap((score) => [score, 0])),
});

const ranking = () => new MentionRanking('retriever', 2, new Map([['food', Float32Array.of(1, 0)]]));

test('a document ranks by its best mention, once', async () => {
  const food = ranking();
  await food.add(scored(0.1, 0.9, 0.5, 0.8, 0.7), [0, 0, 1, 0, 2]);
  expect(await food.best('food', 3)).toEqual([0, 2, 1]);
  expect(await food.best('food', 2)).toEqual([0, 2]);
});

test('equal scores come in the order of the corpus', async () => {
  const food = ranking();
  await food.add(scored(0.5, 0.5), [0, 1]);
  await food.add(scored(0.5, 0.9), [2, 3]);
  expect(await food.best('food', 10)).toEqual([3, 0, 1, 2]);
});

test('looks deeper where one document fills the first places', async () => {
  const food = ranking();
  await food.add(scored(...Array<number>(100).fill(0.9)), Array<number>(100).fill(7));
  await food.add(scored(0.5, 0.4), [8, 9]);
  expect(await food.best('food', 2)).toEqual([7, 8]);
  expect(await food.best('food', 5)).toEqual([7, 8, 9]);
});

test('mentions that could not be embedded are not ranked', async () => {
  const food = ranking();
  await food.add(scored(Number.NaN, 0.2), [0, 1]);
  await food.add(scored(Number.NaN), [2]);
  expect(await food.best('food', 3)).toEqual([1]);
});

test('an empty ranking finds nothing', async () => {
  expect(await ranking().best('food', 3)).toEqual([]);
});

test('the whole ranking with its scores: each document by its best mention', async () => {
  const food = ranking();
  expect(await food.scored('food')).toEqual({ documents: [], scores: new Float32Array() });
  await food.add(scored(0.25, 0.75, 0.5, 0.5, 0.5), [0, 0, 2, 1, 0]);
  expect(await food.scored('food')).toEqual({ documents: [0, 2, 1], scores: Float32Array.of(0.75, 0.5, 0.5) });
  await expect(food.scored('drink')).rejects.toThrow('No vector was made for the query "drink".');
});
