import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelDirectory } from '@ner-retriever/model-en';
import { describe, expect, test } from 'vitest';
import { randomNumbers } from '../../evaluation/random-numbers.js';
import type { CutOffConstants } from '../../model/cut-off-constants.js';
import { parseModelDescription } from '../../model/parse-model-description.js';
import { estimateCutOff as estimateBy } from './estimate-cut-off.js';

const text = readFileSync(join(modelDirectory, 'model.json'), 'utf8');
/** The bundled model's. */
const constants = parseModelDescription(text, modelDirectory).cutOff as CutOffConstants;
const estimateCutOff = (scores: Float32Array) => estimateBy(scores, constants);

/** Normally distributed numbers (Box and Muller). */
function normal(count: number, mean: number, deviation: number, seed: number): number[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * random());
  });
}

/** Noise and the documents of a type, as the bundled model scores them. */
const mixture = (noise: number, relevant: number, seed = 1) => ({
  noise: normal(noise, 0.42, 0.1, seed),
  relevant: normal(relevant, 0.82, 0.04, seed + 1),
});

const best = (scores: readonly number[]) => Float32Array.from(scores).sort().reverse();

function f1({ noise, relevant }: ReturnType<typeof mixture>, minScore: number): number {
  const above = (scores: readonly number[]) => scores.filter((score) => score >= minScore).length;
  return (2 * above(relevant)) / (above(relevant) + above(noise) + relevant.length);
}

describe('a type that stands out', () => {
  test.each([
    ['300 of 1,000 documents', 700, 300, 0.9],
    ['10 of 100', 90, 10, 0.9],
    ['four fifths of 1,000', 200, 800, 0.9],
    ['300 of 10,000', 9700, 300, 0.85],
    // Real noise has a longer tail than this one: among so much of it, the type's own lowest scores are given up.
    ['900 of 100,000', 99_100, 900, 0.75],
  ])('%s: cut where it ends', (_, noise, relevant, least) => {
    const corpus = mixture(noise, relevant);
    const { minScore, documents } = estimateCutOff(best([...corpus.noise, ...corpus.relevant]));
    expect(f1(corpus, minScore)).toBeGreaterThan(least);
    expect(documents / relevant).toBeGreaterThan(0.6);
    expect(documents / relevant).toBeLessThan(1.2);
  });

  test('the more of it there is among the same noise, the lower the cut', () => {
    const cuts = [10, 100, 1000, 10_000].map((relevant) => {
      const corpus = mixture(10_000, relevant);
      return estimateCutOff(best([...corpus.noise, ...corpus.relevant])).minScore;
    });
    expect(cuts).toEqual([...cuts].sort().reverse());
    expect(new Set(cuts).size).toBeGreaterThan(1);
  });
});

test('a model whose scores lie elsewhere is cut there by its own constants', () => {
  const { noise, relevant } = mixture(2000, 150);
  const scores = best([...noise, ...relevant]);
  // Scores of a tenth of the range, round 0.9, and constants that undo it.
  const squeeze = (score: number) => 0.9 + score / 10;
  const { intercept, scoreWeight, backgroundWeight } = constants;
  const squeezed = estimateBy(scores.map(squeeze), {
    ...constants,
    intercept: intercept - 9 * (scoreWeight - backgroundWeight),
    scoreWeight: 10 * scoreWeight,
    backgroundWeight: 10 * backgroundWeight,
  });
  const { minScore, documents } = estimateCutOff(scores);
  // As near as a bin of the histogram is wide.
  expect(squeezed.minScore).toBeCloseTo(squeeze(minScore), 2);
  expect(squeezed.documents / documents).toBeCloseTo(1, 1);
  expect(estimateCutOff(scores.map(squeeze)).documents).toBe(scores.length);
});

test('nothing of the type: a hundredth of the noise at most', () => {
  for (const documents of [100, 1000, 100_000]) {
    expect(estimateCutOff(best(mixture(documents, 0).noise)).documents).toBeLessThanOrEqual(documents / 100);
  }
});

test('counts exactly the documents that score at least the estimate, in whatever order they come', () => {
  const corpus = mixture(5000, 200);
  const scores = best([...corpus.relevant, ...corpus.noise]);
  const estimate = estimateCutOff(scores);
  expect(estimate.documents).toBe(scores.filter((score) => score >= estimate.minScore).length);
  expect(estimateCutOff(Float32Array.from([...corpus.noise, ...corpus.relevant]))).toEqual(estimate);
});

test('the same ranking twice over is cut at the same place', () => {
  const { noise, relevant } = mixture(2000, 150);
  const once = best([...noise, ...relevant]);
  const twice = best([...once, ...once]);
  expect(estimateCutOff(twice)).toEqual({
    minScore: estimateCutOff(once).minScore,
    documents: 2 * estimateCutOff(once).documents,
  });
});

describe('rankings that say little', () => {
  test('none', () => expect(estimateCutOff(new Float32Array())).toEqual({ minScore: 1, documents: 0 }));

  test.each([-1, -0.3, 0, 0.5, 1])('a single document, scored %d, is kept', (score) => {
    const { minScore, documents } = estimateCutOff(Float32Array.of(score));
    expect(documents).toBe(1);
    expect(minScore).toBeLessThanOrEqual(score);
    expect(minScore).toBeGreaterThanOrEqual(score - 0.0026);
  });

  test('equal scores are all kept: nothing tells them apart', () => {
    expect(estimateCutOff(new Float32Array(1000).fill(0.6)).documents).toBe(1000);
  });

  test('what rounding put outside of -1 to 1 counts', () => {
    const { minScore, documents } = estimateCutOff(Float32Array.of(1.0000001, 1, -1.0000001));
    expect(documents).toBe(2);
    expect(minScore).toBeGreaterThan(0.99);
  });

  test('NaN is no document', () => {
    const { noise, relevant } = mixture(1000, 100);
    const scores = best([...noise, ...relevant]);
    expect(estimateCutOff(Float32Array.from([Number.NaN, ...scores, Number.NaN]))).toEqual(estimateCutOff(scores));
    expect(estimateCutOff(Float32Array.of(Number.NaN))).toEqual({ minScore: 1, documents: 0 });
  });
});
