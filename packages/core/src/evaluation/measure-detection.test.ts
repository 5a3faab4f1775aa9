import { expect, test } from 'vitest';
import { measureDetection } from './measure-detection.js';

/** A text and the spans of strings in it. */
function document(text: string, gold: readonly string[], detected: readonly string[]) {
  const spans = (mentions: readonly string[]) =>
    mentions.map((mention) => ({ start: text.indexOf(mention), end: text.indexOf(mention) + mention.length }));
  return { text, gold: spans(gold), detected: spans(detected) };
}

test('fuzzy recall, exact spans and lengths by hand', () => {
  const figures = measureDetection([
    document('the river Seine flows', ['Seine'], ['Seine']),
    document('the mount Etna smokes', ['mount Etna'], ['Etna smokes', 'the mount Etna']),
    document('Oslo and Rome', ['Oslo', 'Rome'], ['Oslo and']),
    document('nothing', [], ['nothing']),
  ]);
  // Matched but for edges: Seine, mount Etna, Oslo. With the same edges: Seine alone.
  expect(figures).toEqual({
    mentions: { gold: 4, detected: 5 },
    fuzzyRecall: 3 / 4,
    exact: { precision: 1 / 5, recall: 1 / 4, f1: 2 / 9 },
    meanWords: { gold: 5 / 4, detected: 9 / 5, ratio: 9 / 5 / (5 / 4) },
  });
});

test('a match in another document does not count', () => {
  expect(measureDetection([document('Oslo', ['Oslo'], []), document('Oslo', [], ['Oslo'])])).toMatchObject({
    fuzzyRecall: 0,
    exact: { precision: 0, recall: 0, f1: 0 },
  });
});

test('the same words elsewhere in a document are a fuzzy match, not an exact one', () => {
  const text = 'Oslo is Oslo';
  const figures = measureDetection([{ text, gold: [{ start: 0, end: 4 }], detected: [{ start: 8, end: 12 }] }]);
  expect(figures).toMatchObject({ fuzzyRecall: 1, exact: { f1: 0 } });
});

test('nothing to divide by is null', () => {
  expect(measureDetection([document('Oslo', [], [])])).toEqual({
    mentions: { gold: 0, detected: 0 },
    fuzzyRecall: null,
    exact: { precision: null, recall: null, f1: null },
    meanWords: { gold: null, detected: null, ratio: null },
  });
});
