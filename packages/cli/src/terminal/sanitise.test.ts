import { expect, test } from 'vitest';
import { jsonText } from './json-text.js';
import { sanitise } from './sanitise.js';

test('a document cannot move the cursor, colour, ring or reorder', () => {
  expect(sanitise('\u001b[31mred\u001b[0m\u0007 \u009b2J \u007f')).toBe('␛[31mred␛[0m␇ \ufffd2J ␡');
  expect(sanitise('a\u202eb\u2066c\u200fd\ufeff')).toBe('a\ufffdb\ufffdc\ufffdd\ufffd');
});

test('a text stays on one line', () => {
  expect(sanitise('a\r\nb\nc\td\u2028e\u0000')).toBe('a b c d e␀');
});

test('letters, emoji, combining characters and joiners stay as they are', () => {
  const text = 'Zoe\u0308 👩\u200d🚀 naïve 東京 हिन्दी';
  expect(sanitise(text)).toBe(text);
});

test('half a surrogate pair is replaced', () => {
  expect(sanitise('a\ud83d')).toBe('a\ufffd');
});

test('JSON keeps exact values and escapes what a terminal may obey', () => {
  const value = { text: '\u001b[2J\u009b2J\u202e\u007f🙂\ud83d' };
  const text = jsonText(value);
  expect(text).toBe('{"text":"\\u001b[2J\\u009b2J\\u202e\\u007f🙂\\ud83d"}');
  expect(JSON.parse(text)).toEqual(value);
});
