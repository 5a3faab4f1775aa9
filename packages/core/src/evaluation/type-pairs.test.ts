import { expect, test } from 'vitest';
import { randomNumbers } from './random-numbers.js';
import { typePairs } from './type-pairs.js';

const types = [['river'], ['river', 'water'], ['city'], ['city'], ['lake', 'water'], ['lake'], ['poet']];

test('draws pairs that share a type, and pairs that share none', () => {
  const { same, different } = typePairs(types, 500, randomNumbers(1));
  const common = (one: number, other: number) => types[one]?.some((type) => types[other]?.includes(type));
  expect(same).toHaveLength(500);
  expect(different).toHaveLength(500);
  for (const [one, other] of same) expect(one !== other && common(one, other)).toBe(true);
  for (const [one, other] of different) expect(common(one, other)).toBe(false);
});

test('draws every type equally often', () => {
  const many = [...Array<string[]>(1000).fill(['common']), ['rare'], ['rare']];
  const { same } = typePairs(many, 2000, randomNumbers(2));
  const rare = same.filter(([one]) => one >= 1000).length;
  expect(rare).toBeGreaterThan(800);
  expect(rare).toBeLessThan(1200);
});

test('finds none where there are none', () => {
  expect(typePairs([['a'], ['b']], 10, randomNumbers(1)).same).toEqual([]);
  expect(typePairs([['a'], ['a', 'b']], 10, randomNumbers(1)).different).toEqual([]);
  expect(typePairs([], 10, randomNumbers(1))).toEqual({ same: [], different: [] });
});
