import { describe, expect, test } from 'vitest';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { firstMentionToken, lastMentionToken, ownTokens, type TokenRanges } from './mention-tokens.js';

function ranges(...tokens: readonly (readonly [number, number])[]): TokenRanges {
  return {
    starts: Int32Array.from(tokens, ([start]) => start),
    ends: Int32Array.from(tokens, ([, end]) => end),
    begin: 0,
    end: tokens.length,
  };
}

describe('the token of a mention', () => {
  test('is the last whose range holds the last character', () => {
    //                          a T  yr   anno saurus
    const tokens = ranges([0, 1], [2, 4], [4, 8], [8, 14], [15, 18]);
    expect(lastMentionToken('a Tyrannosaurus ran', 2, 14, tokens)).toBe(3);
    expect(lastMentionToken('a Tyrannosaurus ran', 2, 5, tokens)).toBe(2);
    expect(firstMentionToken(2, 3, tokens)).toBe(1);
    expect(firstMentionToken(5, 3, tokens)).toBe(2);
  });

  test('a range that begins with a space holds the space', () => {
    const tokens = ranges([0, 1], [1, 6], [6, 8]);
    expect(lastMentionToken('a Tyran ra', 2, 6, tokens)).toBe(1);
    expect(firstMentionToken(2, 1, tokens)).toBe(1);
    // The space belongs to the token behind it.
    expect(lastMentionToken('a Tyran ra', 0, 2, tokens)).toBe(1);
  });

  test('byte tokens share a range: the last of them stands for the character', () => {
    const tokens = ranges([0, 2], [0, 2], [0, 2], [0, 2], [2, 3]);
    expect(lastMentionToken('😀!', 0, 2, tokens)).toBe(3);
    expect(firstMentionToken(0, 3, tokens)).toBe(0);
  });

  test('zero-length ranges never count, wherever they stand', () => {
    const tokens = ranges([0, 0], [0, 3], [3, 3], [3, 6], [6, 6], [6, 6]);
    expect(lastMentionToken('abcdef', 0, 3, tokens)).toBe(1);
    expect(lastMentionToken('abcdef', 0, 6, tokens)).toBe(3);
    expect(firstMentionToken(0, 3, tokens)).toBe(1);
    expect(ownTokens(tokens)).toEqual({ first: 1, last: 3 });
    expect(ownTokens(ranges([0, 0]))).toBeNull();
  });

  test('an accent or a joiner without a token belongs to the letter before it', () => {
    const cafe = 'Cafe\u0301 x';
    const tokens = ranges([0, 2], [2, 4], [6, 7]);
    expect(lastMentionToken(cafe, 0, 5, tokens)).toBe(1);
    expect(lastMentionToken('a\u200d b', 0, 2, ranges([0, 1], [3, 4]))).toBe(0);
    // U+1D165, a combining mark of two UTF-16 units
    expect(lastMentionToken('a\u{1d165} b', 0, 3, ranges([0, 1], [4, 5]))).toBe(0);
  });

  test('a Hangul syllable in parts is one character', () => {
    const syllable = '한'.normalize('NFD');
    expect(lastMentionToken(syllable, 0, syllable.length, ranges([0, 1]))).toBe(0);
  });

  test('there is none where the last character has none', () => {
    const tokens = ranges([0, 1], [3, 4]);
    expect(lastMentionToken('a   b', 0, 2, tokens)).toBe(-1);
    expect(lastMentionToken('a', 0, 1, ranges())).toBe(-1);
    // An accent alone, whose letter is outside the mention.
    expect(lastMentionToken('e\u0301', 1, 2, ranges([0, 1]))).toBe(-1);
  });

  test('agrees with the rule read literally, on random ranges', () => {
    const random = randomNumbers(1);
    for (let round = 0; round < 500; round++) {
      const pairs: [number, number][] = [];
      let at = 0;
      while (at < 30) {
        const start = at + Math.floor(random() * 3);
        const end = start + Math.floor(random() * 4);
        for (let bytes = 0; bytes <= Math.floor(random() * 3); bytes++) pairs.push([start, end]);
        at = end + (random() < 0.1 ? 1 : 0);
        if (end === start) at++;
      }
      const tokens = ranges(...pairs);
      const start = Math.floor(random() * 25);
      const end = start + 1 + Math.floor(random() * 8);
      const literal = pairs.findLastIndex(([s, e]) => s <= end - 1 && end - 1 < e);
      expect(lastMentionToken('x'.repeat(60), start, end, tokens), JSON.stringify({ pairs, end })).toBe(literal);
      if (literal < 0) continue;
      const first = pairs.findIndex(([s, e]) => s < e && e > start);
      expect(firstMentionToken(start, literal, tokens), JSON.stringify({ pairs, start })).toBe(first);
    }
  });
});
