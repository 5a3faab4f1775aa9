import { describe, expect, test } from 'vitest';
import { cutBatches } from './batches.js';
import { dealTexts } from './deal-texts.js';
import { detectedSections, givenSections } from './sections.js';
import { Windows } from './windows.js';

function all(windows: Windows) {
  return Array.from({ length: windows.count }, (_, index) => windows.window(index));
}

describe('windows', () => {
  test('a text that fits is one window, whole', () => {
    for (const tokens of [0, 1, 125, 126]) expect(all(new Windows(tokens, 126))).toEqual([{ begin: 0, end: tokens }]);
  });

  test('of any length: within the capacity, overlapping, covering; shares are the text, each token once', () => {
    for (const capacity of [1, 2, 3, 7, 14, 126]) {
      for (const tokens of [...Array(300).keys(), 1000, 4321]) {
        const windows = new Windows(tokens, capacity);
        let covered = 0;
        let shared = 0;
        const sound = all(windows).every(({ begin, end }, index) => {
          const share = windows.share(index);
          const overlaps = begin <= covered && end - begin <= capacity;
          const shows = share.begin === shared && share.begin >= begin && share.end <= end;
          covered = end;
          shared = share.end;
          return overlaps && shows;
        });
        expect([sound, covered, shared], `${tokens} tokens, ${capacity} a window`).toEqual([true, tokens, tokens]);
      }
    }
  });

  test('neighbours overlap by about a quarter', () => {
    const ranges = all(new Windows(1000, 126));
    for (const [i, { begin }] of ranges.entries()) {
      const before = ranges[i - 1];
      if (before !== undefined) expect(before.end - begin).toBeGreaterThanOrEqual(31);
    }
    expect(ranges.length).toBe(11);
  });

  test('a mention belongs to the window in which it is farthest from the edges', () => {
    const windows = new Windows(1000, 126);
    const ranges = all(windows);
    const room = (index: number, first: number, last: number) => {
      const { begin, end } = ranges[index] as { begin: number; end: number };
      const before = index === 0 ? Number.POSITIVE_INFINITY : first - begin;
      return Math.min(before, index === windows.count - 1 ? Number.POSITIVE_INFINITY : end - 1 - last);
    };
    for (let first = 0; first < 1000; first++) {
      for (const length of [1, 3, 20]) {
        const last = Math.min(first + length - 1, 999);
        const best = Math.max(...ranges.map((_, index) => room(index, first, last)));
        expect(room(windows.best(first, last, 'last'), first, last)).toBe(best);
      }
    }
  });

  test('a mention longer than a window belongs to the one that shows the token it is read from', () => {
    const windows = new Windows(1000, 126);
    const shows = (index: number, token: number) => {
      const { begin, end } = windows.share(index);
      return token >= begin && token < end;
    };
    expect(shows(windows.best(10, 700, 'last'), 700)).toBe(true);
    expect(shows(windows.best(10, 700, 'mean'), 700)).toBe(true);
    expect(shows(windows.best(10, 700, 'first'), 10)).toBe(true);
  });
});

describe('sections', () => {
  const windows = new Windows(10_000, 126);

  test('of given mentions: the windows they are read from, each once', () => {
    const sections = givenSections(0, windows, [7, 3, 3, 50, 8], 2);
    expect(sections.map(({ indices, last }) => [indices, last])).toEqual([
      [[3, 7], false],
      [[8, 50], true],
    ]);
    expect(givenSections(0, windows, [], 2)).toEqual([]);
  });

  test('of detected ones: every window, two of them again in the next section', () => {
    const sections = detectedSections(0, windows, 40);
    expect(sections.every(({ indices }) => indices.length <= 40)).toBe(true);
    for (const [i, { indices }] of sections.entries()) {
      const before = sections[i - 1]?.indices;
      if (before !== undefined) expect(indices.slice(0, 2)).toEqual(before.slice(-2));
    }
    expect(new Set(sections.flatMap(({ indices }) => indices)).size).toBe(windows.count);
    expect(sections.map(({ last }) => last).indexOf(true)).toBe(sections.length - 1);
  });
});

describe('batches', () => {
  test('hold every window once, within the budget, padding counted', () => {
    const lengths = Array.from({ length: 500 }, (_, i) => 3 + ((i * 7919) % 126));
    const batches = cutBatches(lengths, 1024);
    expect(batches.flat().sort((a, b) => a - b)).toEqual([...lengths.keys()]);
    let padded = 0;
    for (const batch of batches) {
      const longest = Math.max(...batch.map((index) => lengths[index] as number));
      expect(lengths[batch.at(-1) as number]).toBe(longest);
      expect(longest * batch.length).toBeLessThanOrEqual(1024);
      padded += longest * batch.length;
    }
    expect(lengths.reduce((sum, length) => sum + length) / padded).toBeGreaterThan(0.95);
    expect(cutBatches([2000, 5], 1024)).toEqual([[1], [0]]);
    expect(cutBatches([], 1024)).toEqual([]);
  });
});

describe('texts are dealt', () => {
  test('in order, none twice, to all workers', () => {
    const texts = Array.from({ length: 1000 }, (_, i) => 'x'.repeat(i % 97));
    const ranges = dealTexts(texts, 2);
    expect(ranges.length).toBe(2);
    expect(ranges.flatMap(({ begin, end }) => texts.slice(begin, end))).toEqual(texts);
    expect(dealTexts([], 2)).toEqual([]);
    expect(dealTexts(['', ''], 2)).toEqual([{ begin: 0, end: 2 }]);
    expect(dealTexts(['x'.repeat(1e6), 'y'], 2)).toEqual([
      { begin: 0, end: 1 },
      { begin: 1, end: 2 },
    ]);
  });
});
