import { expect, test } from 'vitest';
import type { LabelledCorpus } from './labelled-corpus.js';
import { measure } from './measure.js';
import type { Ranking } from './ranking.js';

const mention = (...types: string[]) => ({ start: 0, end: 1, types });

const corpus: LabelledCorpus = {
  name: 'by hand',
  types: [
    { type: 'Food', query: 'Food', other: false },
    { type: 'Drink', query: 'Drink', other: false },
    { type: 'Vehicle', query: 'Vehicle', other: false },
    { type: 'OtherPROD', query: 'Product - Other', other: true },
  ],
  documents: [
    { id: 'a', text: 'x', mentions: [mention('Food'), mention('Food')] },
    { id: 'b', text: 'x', mentions: [mention('Food'), mention('Drink')] },
    { id: 'c', text: 'x', mentions: [mention('OtherPROD')] },
    { id: 'd', text: 'x', mentions: [] },
  ],
};

test('macro mean: each type once, "other" apart, types of no document left out', async () => {
  const asked: string[] = [];
  const ranking: Ranking = {
    system: 'bm25',
    async best(query, count) {
      asked.push(`${query} ${count}`);
      return [0, 3, 1, 2].slice(0, count);
    },
  };
  const { systems, types } = await measure(corpus, [ranking]);
  expect(asked).toEqual(['Food 4', 'Drink 4', 'Product - Other 4']);
  expect(types.map(({ type, relevant, rPrecision }) => [type, relevant, rPrecision.bm25])).toEqual([
    ['Food', 2, 0.5],
    ['Drink', 1, 0],
    ['Vehicle', 0, null],
    ['OtherPROD', 1, 0],
  ]);
  expect(systems).toMatchObject([{ system: 'bm25', macro: 0.25, macroOther: 0 }]);
  // Food at places 1 and 3, Drink at 3; OtherPROD at 4.
  expect(systems[0]?.measures?.averagePrecision).toBeCloseTo(((1 + 2 / 3) / 2 + 1 / 3) / 2, 12);
  expect(systems[0]?.measuresOther?.averagePrecision).toBeCloseTo(1 / 4, 12);
  expect(types[2]?.measures).toEqual({ bm25: null });
});

test('a mention of two types makes its document relevant to both', async () => {
  const ranking: Ranking = { system: 'bm25', best: async () => [0] };
  const documents = [{ id: 'a', text: 'x', mentions: [mention('Food', 'Drink')] }];
  const { types } = await measure({ ...corpus, documents }, [ranking]);
  expect(types.map(({ type, relevant, rPrecision }) => [type, relevant, rPrecision.bm25])).toEqual([
    ['Food', 1, 1],
    ['Drink', 1, 1],
    ['Vehicle', 0, null],
    ['OtherPROD', 0, null],
  ]);
});

test('a corpus without any of its types has no mean', async () => {
  const ranking: Ranking = { system: 'bm25', best: async () => [] };
  const { systems } = await measure({ ...corpus, documents: [] }, [ranking]);
  const nothing = { macro: null, macroOther: null, measures: null, measuresOther: null, cutOff: null };
  expect(systems).toEqual([{ system: 'bm25', ...nothing }]);
});

test('the cut-off of a ranking that has constants, beside the measures; "other" types and other rankings have none', async () => {
  const documents = Array.from({ length: 20 }, (_, id) => ({
    id: String(id),
    text: 'x',
    mentions: id < 4 ? [mention('Food'), mention('OtherPROD')] : [mention('Vehicle')],
  }));
  const scored: Ranking = {
    system: 'retriever',
    cutOff: { intercept: -10, scoreWeight: 18.7, backgroundWeight: 4, typeShare: 0.0067, typeShareWeight: 0.34 },
    best: async () => [],
    async scored() {
      const scores = documents.map((_, place) => (place < 4 ? 0.9 : 0.1));
      return { documents: documents.map((_, place) => place), scores: Float32Array.from(scores) };
    },
  };
  const uncalibrated: Ranking = { ...scored, system: 'tap-without-head', cutOff: undefined };
  const unscored: Ranking = { system: 'bm25', best: async () => [0] };
  const { systems, types } = await measure({ ...corpus, documents }, [scored, uncalibrated, unscored]);
  expect(types[0]).toMatchObject({ type: 'Food', rPrecision: { retriever: 1, 'tap-without-head': 1 } });
  expect(types[0]?.cutOff).toMatchObject({ retriever: { whole: { documents: 4, f1: 1, countRatio: 1 } } });
  expect(Object.keys(types[0]?.cutOff ?? {})).toEqual(['retriever']);
  expect(types[1]?.cutOff).toEqual({});
  // Food is found whole, Vehicle not at all: its documents score least.
  expect(systems[0]?.cutOff?.whole).toMatchObject({ types: 2, precision: 0.5, recall: 0.5, f1: 0.5 });
  expect(systems.slice(1).map(({ cutOff }) => cutOff)).toEqual([null, null]);
});
