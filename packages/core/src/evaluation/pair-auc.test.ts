import { expect, test } from 'vitest';
import { pairAuc } from './pair-auc.js';
import { randomNumbers } from './random-numbers.js';

test('is what counting all pairs gives, ties half', () => {
  const random = randomNumbers(3);
  for (let run = 0; run < 50; run++) {
    const draw = (count: number) => Array.from({ length: count }, () => Math.floor(random() * 6));
    const [positive, negative] = [draw(1 + Math.floor(random() * 20)), draw(1 + Math.floor(random() * 20))];
    let wins = 0;
    for (const one of positive) for (const other of negative) wins += one > other ? 1 : one === other ? 0.5 : 0;
    expect(pairAuc(positive, negative)).toBeCloseTo(wins / (positive.length * negative.length), 12);
  }
});

test('of an empty group is none', () => {
  expect(pairAuc([], [1])).toBeNull();
  expect(pairAuc([1], [])).toBeNull();
});
