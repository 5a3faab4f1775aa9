import { expect, test } from 'vitest';
import { relevanceProbabilities } from './relevance-probabilities.js';

const constants = { typeShare: 0.01, typeShareWeight: 0.3 };

test('equal likelihoods leave the share that is expected of any type', () => {
  const probabilities = relevanceProbabilities(Float64Array.of(10, 20), Float64Array.of(1, 1), constants);
  for (const probability of probabilities) expect(probability).toBeCloseTo(0.01, 6);
});

test('rise with the likelihood ratio, and with the share of high scores', () => {
  const ratios = Float64Array.of(0.1, 1, 10, 1000);
  const few = relevanceProbabilities(Float64Array.of(1000, 1000, 0, 1), ratios, constants);
  const many = relevanceProbabilities(Float64Array.of(1000, 1000, 0, 3000), ratios, constants);
  expect([...few]).toEqual([...few].sort((one, other) => one - other));
  expect(many.every((probability, bin) => probability > (few[bin] as number))).toBe(true);
  expect(many[3]).toBeGreaterThan(0.99);
});

test('the share has settled: its own probabilities give it again', () => {
  const counts = Float64Array.of(500, 100, 50, 200);
  const ratios = Float64Array.of(0.05, 0.5, 5, 50);
  const probabilities = relevanceProbabilities(counts, ratios, constants);
  const mean = counts.reduce((sum, count, bin) => sum + count * (probabilities[bin] as number), 0) / 850;
  const share = 0.7 * mean + 0.3 * 0.01;
  for (const [bin, ratio] of ratios.entries()) {
    expect(probabilities[bin]).toBeCloseTo((share * ratio) / (share * ratio + 1 - share), 9);
  }
});

test('ratios beyond all numbers are certain', () => {
  const ratios = Float64Array.of(0, 1, Number.POSITIVE_INFINITY);
  const probabilities = relevanceProbabilities(Float64Array.of(5, 0, 5), ratios, constants);
  expect([probabilities[0], probabilities[2]]).toEqual([0, 1]);
});
