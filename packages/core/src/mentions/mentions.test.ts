import { describe, expect, test } from 'vitest';
import { codePointOffsets } from './code-point-offsets.js';
import { decodeMentions } from './decode-mentions.js';
import { detectedRange } from './detected-range.js';
import { distinctSpans } from './distinct-spans.js';
import { spanFault } from './span-fault.js';

describe('given spans', () => {
  test('exact repeats count once; nested and overlapping ones in any order stay', () => {
    const spans = [
      { start: 5, end: 9 },
      { start: 0, end: 9 },
      { start: 5, end: 9 },
      { start: 3, end: 6 },
    ];
    expect(distinctSpans(spans)).toEqual([spans[0], spans[1], spans[3]]);
  });

  test('each fault has its reason', () => {
    const text = 'a 😀 b';
    expect(spanFault(text, { start: 0, end: 6 })).toBeNull();
    expect(spanFault(text, { start: 2, end: 4 })).toBeNull();
    expect(spanFault(text, { start: 0, end: 7 })).toBe('outside-text');
    expect(spanFault(text, { start: -1, end: 2 })).toBe('outside-text');
    expect(spanFault(text, { start: 9, end: 8 })).toBe('outside-text');
    expect(spanFault(text, { start: 3, end: 3 })).toBe('empty');
    expect(spanFault(text, { start: 4, end: 2 })).toBe('empty');
    expect(spanFault(text, { start: 2, end: 3 })).toBe('splits-character');
    expect(spanFault(text, { start: 3, end: 6 })).toBe('splits-character');
    expect(spanFault('\ud83d', { start: 0, end: 1 })).toBeNull();
  });
});

describe('code points', () => {
  test('are UTF-16 units where there is no pair', () => {
    expect(codePointOffsets('naïve 東京')).toBeNull();
    expect(codePointOffsets('a\udc00\ud83d b')).toBeNull();
  });

  test('agree with the string iterator', () => {
    for (const text of ['😀', 'a😀b', '👩‍👩‍👧 x', '\ud83d\ud83d\ude00\ude00', '𝕊𝕠']) {
      const expected: number[] = [];
      let at = 0;
      for (const character of text) {
        expected.push(at);
        at += character.length;
      }
      expect(Array.from(codePointOffsets(text) as Int32Array)).toEqual([...expected, text.length]);
    }
  });
});

describe("the detector's words", () => {
  /** Pairs of P(B), P(I), as quarters: float32 holds them exactly. */
  function decode(threshold: number, ...words: readonly (readonly [number, number])[]) {
    return decodeMentions(
      {
        count: words.length,
        firstTokens: Int32Array.from({ length: words.length + 1 }, (_, i) => i),
        begin: Float32Array.from(words, ([begin]) => begin),
        inside: Float32Array.from(words, ([, inside]) => inside),
      },
      threshold,
    );
  }

  test('B begins, I continues, the score is the mean of both', () => {
    expect(decode(0.5, [0, 0], [0.75, 0], [0.25, 0.75], [0, 0.25])).toEqual([{ first: 1, end: 3, score: 0.875 }]);
  });

  test('a B behind a mention begins another', () => {
    expect(decode(0.5, [1, 0], [0.5, 0.5], [0, 1])).toEqual([
      { first: 0, end: 1, score: 1 },
      { first: 1, end: 3, score: 1 },
    ]);
  });

  test('an I behind an outside word begins one too', () => {
    expect(decode(0.5, [0, 0.75], [0, 0.75], [0.25, 0], [0.25, 0.5])).toEqual([
      { first: 0, end: 2, score: 0.75 },
      { first: 3, end: 4, score: 0.75 },
    ]);
  });

  test('a word at the threshold counts, one below it ends the mention', () => {
    expect(decode(0.75, [0.5, 0.25], [0.25, 0.25], [1, 0])).toEqual([
      { first: 0, end: 1, score: 0.75 },
      { first: 2, end: 3, score: 1 },
    ]);
    expect(decode(0.5)).toEqual([]);
  });

  test('a range loses the spaces round it and keeps the accents behind it', () => {
    expect(detectedRange('in Paris now', 2, 8)).toEqual({ start: 3, end: 8 });
    expect(detectedRange('in Paris now', 2, 9)).toEqual({ start: 3, end: 8 });
    expect(detectedRange('Cafe\u0301\u0323 x', 0, 4)).toEqual({ start: 0, end: 6 });
    expect(detectedRange('a   b', 1, 3)).toBeNull();
  });
});
