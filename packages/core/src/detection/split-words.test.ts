import { expect, test } from 'vitest';
import { splitWords } from './split-words.js';

const wordsOf = (text: string) => splitWords(text).map(({ start, end }) => text.slice(start, end));

test("words as Python's \\w+(?:[-_]\\w+)*|\\S finds them", () => {
  expect(wordsOf("Mr. O'Brien's well-known_books, -x- (1903) 5%")).toEqual([
    'Mr',
    '.',
    'O',
    "'",
    'Brien',
    "'",
    's',
    'well-known_books',
    ',',
    '-',
    'x',
    '-',
    '(',
    '1903',
    ')',
    '5',
    '%',
  ]);
  expect(wordsOf('Zoë Guðmundsdóttir 東京tower مرحبا ١٢ ²Ⅷ')).toEqual([
    'Zoë',
    'Guðmundsdóttir',
    '東京tower',
    'مرحبا',
    '١٢',
    '²Ⅷ',
  ]);
  expect(wordsOf('e\u0301a 👩\u200d🔬!')).toEqual(['e', '\u0301', 'a', '👩', '\u200d', '🔬', '!']);
  expect(wordsOf('a\x1cb\x85c\u3000d\ufeffe')).toEqual(['a', 'b', 'c', 'd', '\ufeff', 'e']);
  expect(wordsOf(' \n\t ')).toEqual([]);
});
