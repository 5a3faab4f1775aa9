import { expect, test } from 'vitest';
import { bestBin } from './best-bin.js';

/** By definition: the expected F1 of the cut at every bin that has documents. */
function slow(counts: readonly number[], probabilities: readonly number[]): number {
  const sum = (from: number, weight: (bin: number) => number) =>
    counts.reduce((total, count, bin) => total + (bin >= from ? count * weight(bin) : 0), 0);
  const relevant = (from: number) => sum(from, (bin) => probabilities[bin] as number);
  const f1 = (from: number) => (2 * relevant(from)) / (sum(from, () => 1) + relevant(0));
  const filled = [...counts.keys()].filter((bin) => counts[bin] !== 0).reverse();
  return filled.reduce((best, bin) => (f1(bin) > f1(best) ? bin : best));
}

test.each([
  [
    [5, 3, 0, 2],
    [0, 0.1, 0.5, 1],
  ],
  [
    [5, 3, 0, 2],
    [0.4, 0.6, 0.9, 1],
  ],
  [
    [0, 0, 7, 0],
    [0, 0, 0.1, 0.9],
  ],
  [
    [100, 10, 5, 0, 1],
    [0.01, 0.2, 0.35, 0.5, 0.9],
  ],
  [
    [1, 1, 1],
    [0, 0, 0],
  ],
])('%j documents of probability %j', (counts, probabilities) => {
  expect(bestBin(Float64Array.from(counts), Float64Array.from(probabilities))).toBe(slow(counts, probabilities));
});
