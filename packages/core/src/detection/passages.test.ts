import { expect, test } from 'vitest';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { passagesOf } from './passages.js';

test('as many whole sentences as fit', () => {
  const cut = (text: string, maximum: number) => passagesOf(text, maximum).map(({ text: passage }) => passage);
  expect(cut('One is. Two is. Three is.', 16)).toEqual(['One is. Two is. ', 'Three is.']);
  expect(cut('One is. Two is. Three is.', 100)).toEqual(['One is. Two is. Three is.']);
  expect(cut('Title\nText of it.', 8)).toEqual(['Title\n', 'Text of ', 'it.']);
  expect(cut('aaaa bbbb cccc', 10)).toEqual(['aaaa bbbb ', 'cccc']);
  expect(cut('😀😀😀', 3)).toEqual(['😀', '😀', '😀']);
  expect(cut(' \n ', 10)).toEqual([]);
  expect(cut('', 10)).toEqual([]);
});

test('whatever the text, the passages are all of it, in order, none too long, no character cut', () => {
  const random = randomNumbers(5);
  const parts = ['word', ' ', '. ', '\n', '😀', 'x'.repeat(30), 'U.S. ', '東京。', '   '];
  for (let round = 0; round < 500; round++) {
    const length = Math.floor(random() * 40);
    const text = Array.from({ length }, () => parts[Math.floor(random() * parts.length)]).join('');
    let reached = 0;
    for (const { start, text: passage } of passagesOf(text, 20)) {
      expect(text.slice(reached, start).trim()).toBe('');
      expect(text.startsWith(passage, start)).toBe(true);
      expect(passage.length).toBeLessThanOrEqual(20);
      expect(passage.isWellFormed()).toBe(true);
      reached = start + passage.length;
    }
    expect(text.slice(reached).trim()).toBe('');
  }
});
