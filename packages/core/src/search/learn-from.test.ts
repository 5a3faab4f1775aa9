import { expect, test } from 'vitest';
import { learnFrom } from './learn-from.js';

const closeTo = (...values: number[]) => values.map((value) => expect.closeTo(value, 6) as number);

test('adds the mean of what was found, the first of it weighing most, and has length one', () => {
  const found = [Float32Array.of(0, 1, 0), Float32Array.of(0, 0, 1)];
  // 1 : 1/2, so that the mean is (0, 2/3, 1/3); its sum with the query has the length √(1 + 5/9).
  const length = Math.sqrt(14) / 3;
  expect([...learnFrom(Float32Array.of(1, 0, 0), found)]).toEqual(closeTo(1 / length, 2 / 3 / length, 1 / 3 / length));
});

test('what was found again and again counts as much as the query, no more', () => {
  const found = Array.from({ length: 10 }, () => Float32Array.of(0, 1));
  expect([...learnFrom(Float32Array.of(1, 0), found)]).toEqual(closeTo(Math.SQRT1_2, Math.SQRT1_2));
});

test('where nothing was found, or its opposite, the query stays as it was', () => {
  const query = Float32Array.of(0.6, 0.8);
  expect([...learnFrom(query, [])]).toEqual(closeTo(0.6, 0.8));
  expect([...learnFrom(query, [Float32Array.of(-0.6, -0.8)])]).toEqual(closeTo(0.6, 0.8));
});
