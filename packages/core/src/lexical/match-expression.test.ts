import { expect, test } from 'vitest';
import { matchExpression } from './match-expression.js';

test('words are quoted and OR-ed, each once', () => {
  expect(matchExpression('Car Manufacturer car')).toBe('"car" OR "manufacturer"');
});

test('stop words are taken out', () => {
  expect(matchExpression('a person who sings in the opera')).toBe('"person" OR "sings" OR "opera"');
});

test('a query of stop words only keeps them', () => {
  expect(matchExpression('The Who')).toBe('"the" OR "who"');
});

test('FTS5 syntax in a query is only words', () => {
  expect(matchExpression('NEAR("x" y*) AND text:z ^q {-}')).toBe('"near" OR "x" OR "y" OR "text" OR "z" OR "q"');
});

test('nothing to look for', () => {
  expect(matchExpression('')).toBeNull();
  expect(matchExpression(' … "*" 🙂 ')).toBeNull();
});
