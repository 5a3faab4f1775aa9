import { expect, test } from 'vitest';
import { rPrecision } from './r-precision.js';
import { randomNumbers } from './random-numbers.js';

const relevant = new Set(['a', 'b', 'c']);

test('the share of relevant documents among the first R', () => {
  expect(rPrecision(['a', 'x', 'b', 'c'], relevant)).toBeCloseTo(2 / 3);
  expect(rPrecision(['c', 'a', 'b', 'x'], relevant)).toBe(1);
  expect(rPrecision(['x', 'y', 'z', 'a', 'b', 'c'], relevant)).toBe(0);
});

test('a document of several mentions counts once, at its best place', () => {
  expect(rPrecision(['a', 'a', 'a', 'b', 'x', 'c'], relevant)).toBeCloseTo(2 / 3);
  expect(rPrecision(['x', 'x', 'x', 'a', 'x', 'b', 'c'], relevant)).toBeCloseTo(2 / 3);
});

test('a ranking that ends early has found nothing more', () => {
  expect(rPrecision(['a'], relevant)).toBeCloseTo(1 / 3);
  expect(rPrecision([], relevant)).toBe(0);
});

test('a type without relevant documents has no value', () => {
  expect(rPrecision(['a'], new Set())).toBeNull();
});

test('agrees with a slow reading of the definition on random rankings', () => {
  const random = randomNumbers(7);
  for (let round = 0; round < 200; round++) {
    const ranking = Array.from({ length: Math.floor(random() * 30) }, () => Math.floor(random() * 12));
    const wanted = new Set(Array.from({ length: 1 + Math.floor(random() * 8) }, () => Math.floor(random() * 12)));
    const distinct = ranking.filter((id, place) => ranking.indexOf(id) === place).slice(0, wanted.size);
    expect(rPrecision(ranking, wanted)).toBe(distinct.filter((id) => wanted.has(id)).length / wanted.size);
  }
});
