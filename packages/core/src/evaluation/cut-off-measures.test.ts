import { expect, test } from 'vitest';
import { fixedMinScore, measureCutOff } from './cut-off-measures.js';
import { measureSituations } from './cut-off-situations.js';
import { randomNumbers } from './random-numbers.js';
import type { ScoredDocuments } from './ranking.js';

/** The bundled model's. */
const constants = { intercept: -10, scoreWeight: 18.7, backgroundWeight: 4, typeShare: 0.0067, typeShareWeight: 0.34 };

/** Documents 0, 1, 2 … in falling order of score. */
const ranking = (scores: readonly number[]): ScoredDocuments => ({
  documents: scores.map((_, place) => place),
  scores: Float32Array.from(scores),
});

test('precision, recall and F1 of the set above the estimate, the best cut, and the fixed one', () => {
  // The estimate is far above 0.3; 0.74 cuts after the third.
  const scores = [0.97, 0.96, 0.95, 0.3, 0.2, ...Array<number>(60).fill(0)];
  const measures = measureCutOff(ranking(scores), new Set([0, 2, 3, 99]), constants);
  expect(measures).toMatchObject({ documents: 3, recall: 2 / 4, countRatio: 3 / 4, f1: 4 / 7, fixedF1: 4 / 7 });
  expect(measures.precision).toBeCloseTo(2 / 3, 12);
  expect(measures.minScore).toBeGreaterThan(0.3);
  expect(measures.bestF1).toBeCloseTo(6 / 8, 12); // after the fourth
});

test('by definition, on random rankings', () => {
  const random = randomNumbers(4);
  for (let round = 0; round < 50; round += 1) {
    const scores = Array.from({ length: 1 + Math.floor(random() * 60) }, () => random()).sort((a, b) => b - a);
    const relevant = new Set([0, ...[...scores.keys()].filter(() => random() < 0.3)]);
    const measures = measureCutOff(ranking(scores), relevant, constants);
    const f1 = (first: number) => {
      const right = [...relevant].filter((place) => place < first).length;
      return right === 0 ? 0 : 2 / (first / right + relevant.size / right);
    };
    const all = [0, ...scores.keys()].map((_, first) => f1(first));
    expect(measures.bestF1).toBeCloseTo(Math.max(...all), 12);
    expect(measures.f1).toBeCloseTo(f1(measures.documents), 12);
    const fixed = Float32Array.from(scores).filter((score) => score >= fixedMinScore).length;
    expect(measures.fixedF1).toBeCloseTo(f1(fixed), 12);
  }
});

test('an empty ranking has found nothing', () => {
  const nothing = { documents: 0, precision: 0, recall: 0, f1: 0, bestF1: 0, fixedF1: 0, countRatio: 0 };
  expect(measureCutOff(ranking([]), new Set([1]), constants)).toMatchObject(nothing);
});

test('situations: those that the data set has enough documents for', () => {
  const scores = Array.from({ length: 200 }, (_, place) => 1 - place / 200);
  const relevant = new Set(Array.from({ length: 40 }, (_, place) => place));
  const { whole, small, mostly, absent } = measureSituations(ranking(scores), relevant, constants);
  expect(whole).toEqual(measureCutOff(ranking(scores), relevant, constants));
  // All relevant documents stand before all others.
  expect([whole.bestF1, small?.bestF1, mostly?.bestF1]).toEqual([1, 1, 1]);
  expect(small?.countRatio).toBe((small?.documents as number) / 10);
  expect(mostly?.countRatio).toBe((mostly?.documents as number) / 40);
  expect(absent?.documents).toBeLessThan(160);
  expect(measureSituations(ranking(scores), relevant, constants)).toEqual({ whole, small, mostly, absent });

  const few = measureSituations(ranking(scores.slice(0, 60)), new Set([0, 1, 2]), constants);
  expect([few.small, few.mostly]).toEqual([null, null]);
  expect(measureSituations(ranking([0.9]), new Set([0]), constants).absent).toBeNull();
});
