import { expect, test } from 'vitest';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { WordWindows } from './word-windows.js';

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

test('a text that fits is one window', () => {
  expect(new WordWindows([2, 1, 3], 3, 6).ranges).toEqual([{ begin: 0, end: 3 }]);
  expect(new WordWindows([2, 1, 3], 20, Number.POSITIVE_INFINITY).ranges).toEqual([{ begin: 0, end: 3 }]);
  expect(new WordWindows([], 3, 6).ranges).toEqual([]);
});

test('a quarter of each window is shown by the next one too', () => {
  const { ranges } = new WordWindows(new Array(50).fill(1), 20, Number.POSITIVE_INFINITY);
  expect(ranges).toEqual([
    { begin: 0, end: 20 },
    { begin: 15, end: 35 },
    { begin: 30, end: 50 },
  ]);
});

test('whatever the words: limits hold, every word is shown, each window ends farther on', () => {
  const random = randomNumbers(7);
  for (let round = 0; round < 300; round++) {
    const mostTokens = 1 + Math.floor(random() * 30);
    const mostWords = 1 + Math.floor(random() * 12);
    const tokens = Array.from({ length: Math.floor(random() * 80) }, () =>
      Math.floor(random() ** 3 * (mostTokens + 1)),
    );
    const { ranges } = new WordWindows(tokens, mostWords, mostTokens);
    let end = 0;
    for (const range of ranges) {
      expect(range.begin).toBeLessThanOrEqual(end);
      expect(range.end).toBeGreaterThan(end);
      end = range.end;
      expect(range.end - range.begin).toBeLessThanOrEqual(mostWords);
      expect(sum(tokens.slice(range.begin, range.end))).toBeLessThanOrEqual(mostTokens);
    }
    expect(end).toBe(tokens.length);
  }
});

test('a span is read from the window in which it lies farthest from the edges', () => {
  const windows = new WordWindows(new Array(50).fill(1), 20, Number.POSITIVE_INFINITY);
  for (let first = 0; first < 50; first++) {
    for (let last = first; last < Math.min(50, first + 20); last++) {
      const rooms = windows.ranges.map(({ begin, end }, index) => {
        if (first < begin || last >= end) return -1;
        return Math.min(index === 0 ? 99 : first - begin, index === 2 ? 99 : end - 1 - last);
      });
      const most = Math.max(...rooms);
      expect(windows.best(first, last)).toBe(most < 0 ? -1 : rooms.indexOf(most));
    }
  }
});
