import { expect, test } from 'vitest';
import type { LabelledCorpus, LabelledDocument } from './labelled-corpus.js';
import { measure } from './measure.js';
import { MentionRanking } from './mention-ranking.js';
import { randomNumbers } from './random-numbers.js';
import { measureRanking } from './ranking-measures.js';

test('a ranking by hand', () => {
  // Relevant at places 1, 3 and 6 of 7; one of four is never found.
  const measures = measureRanking(['a', 'x', 'b', 'y', 'a', 'z', 'c', 'v'], new Set(['a', 'b', 'c', 'd']));
  expect(measures?.averagePrecision).toBeCloseTo((1 + 2 / 3 + 3 / 6) / 4, 12);
  expect(measures?.precisionAt).toEqual({ 10: 0.3, 100: 0.03, 1000: 0.003 });
  expect(measures?.recallAt).toEqual({ 10: 0.75, 100: 0.75, 1000: 0.75 });
  expect(measures?.precisionAtRecall).toEqual([1, 1, 1, 2 / 3, 2 / 3, 2 / 3, 0.5, 0.5, 0, 0, 0]);
});

test('the best and the worst ranking; nothing to find has no value', () => {
  expect(measureRanking([1, 2], new Set([2, 1]))).toMatchObject({
    averagePrecision: 1,
    precisionAtRecall: Array(11).fill(1),
  });
  expect(measureRanking([], new Set([1]))).toMatchObject({
    averagePrecision: 0,
    precisionAtRecall: Array(11).fill(0),
  });
  expect(measureRanking([1], new Set())).toBeNull();
});

const types = [
  { type: 'Food', query: 'Food', other: false },
  { type: 'Drink', query: 'Drink', other: false },
  { type: 'Vehicle', query: 'Vehicle', other: false },
  { type: 'OtherPROD', query: 'Product - Other', other: true },
];

/**
 * The definitions, read slowly and with nothing in common with the code under test: every document's score is its best mention's,
 * documents without a score are not found, equal scores stand in the order of the corpus.
 */
function slowly(scores: readonly (number | null)[], relevant: readonly boolean[]) {
  const total = relevant.filter(Boolean).length;
  if (total === 0) return null;
  const order: number[] = [];
  const left = new Set(scores.keys());
  for (;;) {
    let best: number | null = null;
    for (const document of left) {
      const score = scores[document] as number | null;
      if (score !== null && (best === null || score > (scores[best] as number))) best = document;
    }
    if (best === null) break;
    order.push(best);
    left.delete(best);
  }
  const hits = (k: number) => order.slice(0, k).filter((document) => relevant[document]).length;
  let averagePrecision = 0;
  for (let k = 1; k <= order.length; k++) {
    if (relevant[order[k - 1] as number]) averagePrecision += hits(k) / k / total;
  }
  const precisionAtRecall = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((tenths) => {
    let best = 0;
    for (let k = 1; k <= order.length; k++) {
      if (hits(k) * 10 >= tenths * total) best = Math.max(best, hits(k) / k);
    }
    return best;
  });
  return {
    rPrecision: hits(total) / total,
    averagePrecision,
    precisionAt: { 10: hits(10) / 10, 100: hits(100) / 100, 1000: hits(1000) / 1000 },
    recallAt: { 10: hits(10) / total, 100: hits(100) / total, 1000: hits(1000) / total },
    precisionAtRecall,
  };
}

test('agrees with a slow reading of the definitions: ties, empty types, documents of several mentions or none', async () => {
  const random = randomNumbers(11);
  const whole = (below: number) => Math.floor(random() * below);
  for (let round = 0; round < 60; round++) {
    const scored = new MentionRanking(
      'retriever',
      2,
      new Map(types.map(({ query }) => [query, Float32Array.of(1, 0)])),
    );
    const documents: LabelledDocument[] = [];
    const scores: (number | null)[] = [];
    for (let document = 0; document < 1 + whole(130); document++) {
      // Eighths: exact in float32, and often equal. One mention in ten could not be embedded.
      const mentions = Array.from({ length: random() < 0.1 ? 40 : whole(5) }, () => ({
        score: random() < 0.1 ? Number.NaN : whole(9) / 8 - 0.5,
        types: types.filter(({ type }) => type !== 'Vehicle' && random() < 0.15).map(({ type }) => type),
      }));
      documents.push({
        id: String(document),
        text: 'x',
        mentions: mentions.map((mention) => ({ start: 0, end: 1, types: mention.types })),
      });
      await scored.add(
        {
          rows: mentions.length,
          columns: 2,
          data: Float32Array.from(mentions.flatMap(({ score }) => [score, Number.isNaN(score) ? Number.NaN : 0.25])),
        },
        mentions.map(() => document),
      );
      const usable = mentions.map(({ score }) => score).filter((score) => !Number.isNaN(score));
      scores.push(usable.length === 0 ? null : Math.max(...usable));
    }
    const corpus: LabelledCorpus = { name: 'random', types, documents };
    const report = await measure(corpus, [scored]);

    const slow = types.map(({ type }) =>
      slowly(
        scores,
        documents.map(({ mentions }) => mentions.some((mention) => mention.types.includes(type))),
      ),
    );
    for (const [place, { rPrecision, measures }] of report.types.entries()) {
      const { rPrecision: expected = null, ...others } = slow[place] ?? {};
      expect(rPrecision.retriever).toBe(expected);
      if (slow[place] === null) expect(measures.retriever).toBeNull();
      else expect(measures.retriever).toEqual(roughly(others));
    }
    const mean = (from: number, to: number, value: (type: NonNullable<(typeof slow)[number]>) => number) => {
      const values = slow.slice(from, to).flatMap((type) => (type === null ? [] : [value(type)]));
      return values.length === 0 ? null : values.reduce((sum, each) => sum + each, 0) / values.length;
    };
    const [system] = report.systems;
    expect([system?.macro ?? null, system?.measures?.averagePrecision ?? null]).toEqual(
      roughly([mean(0, 3, (type) => type.rPrecision), mean(0, 3, (type) => type.averagePrecision)]),
    );
    expect([system?.macroOther ?? null, system?.measuresOther?.recallAt[10] ?? null]).toEqual(
      roughly([mean(3, 4, (type) => type.rPrecision), mean(3, 4, (type) => type.recallAt[10])]),
    );
    expect(system?.measures?.precisionAtRecall[3] ?? null).toEqual(
      roughly(mean(0, 3, (type) => type.precisionAtRecall[3] as number)),
    );
  }
});

/** The same with every number read to 12 digits: sums in another order differ by the last bit. */
function roughly(value: unknown): unknown {
  if (typeof value === 'number') return expect.closeTo(value, 12);
  if (Array.isArray(value)) return value.map(roughly);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, roughly(each)]));
}
