import { expect, test } from 'vitest';
import { bins, lowerEdge, scoreHistogram } from './score-histogram.js';

test('every score lies in its bin', () => {
  const scores = Float32Array.from({ length: 2001 }, (_, thousandth) => thousandth / 1000 - 1);
  for (const score of scores) {
    const bin = scoreHistogram(Float32Array.of(score)).indexOf(1);
    expect(score).toBeGreaterThan(lowerEdge(bin) - 1e-6);
    expect(score).toBeLessThan(lowerEdge(bin + 1) + 1e-6);
  }
  expect(scoreHistogram(scores).reduce((sum, count) => sum + count)).toBe(2001);
});

test('the ends, what lies beyond them, and no score', () => {
  const counts = scoreHistogram(Float32Array.of(-1.5, -1, 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY));
  expect([counts[0], counts[bins - 1], counts.reduce((sum, count) => sum + count)]).toEqual([2, 3, 5]);
  expect([lowerEdge(0), lowerEdge(bins)]).toEqual([-1, 1]);
});
