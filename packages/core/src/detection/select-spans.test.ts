import { expect, test } from 'vitest';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { type ScoredSpan, selectSpans } from './select-spans.js';

const span = (first: number, last: number, score: number): ScoredSpan => ({ first, last, score });

test('of spans that overlap the surest stays', () => {
  const spans = [span(0, 1, 0.6), span(1, 2, 0.9), span(2, 3, 0.8), span(3, 3, 0.7)];
  expect(selectSpans(spans, false)).toEqual([span(1, 2, 0.9), span(3, 3, 0.7)]);
});

test('with nested, spans within others stay, those that cross do not, and a span counts once', () => {
  const spans = [span(0, 3, 0.9), span(1, 2, 0.8), span(2, 4, 0.7), span(1, 2, 0.6), span(0, 5, 0.5)];
  expect(selectSpans(spans, true)).toEqual([span(0, 3, 0.9), span(1, 2, 0.8), span(0, 5, 0.5)]);
});

test.each([false, true])('nested %s: the same as comparing every span with all that were kept', (nested) => {
  const random = randomNumbers(11);
  for (let round = 0; round < 100; round++) {
    const spans = Array.from({ length: 60 }, () => {
      const first = Math.floor(random() * 40);
      return span(first, first + Math.floor(random() * 6), random());
    });
    const kept: ScoredSpan[] = [];
    for (const one of [...spans].sort((a, b) => b.score - a.score)) {
      const within = (a: ScoredSpan, b: ScoredSpan) => a.first >= b.first && a.last <= b.last;
      const conflict = kept.some((other) => {
        if (one.first > other.last || other.first > one.last) return false;
        if (!nested || (within(one, other) && within(other, one))) return true;
        return !within(one, other) && !within(other, one);
      });
      if (!conflict) kept.push(one);
    }
    expect(selectSpans(spans, nested)).toEqual(kept);
  }
});
