import { expect, test } from 'vitest';
import { fuzzyMatch } from './fuzzy-match.js';

test.each([
  ['Zoë Saldaña', 'zoe\u0301 saldana'],
  ['The Beatles', 'beatles'],
  ['an  Albatross', 'a albatross'],
  ['University of Oxford', 'oxford'],
  ['rome and oslo', 'oslo rome and lima'],
  ['one two three four five six seven eight', 'one two three four five six seven nine', false],
  ['one two three four five six seven eight nine', 'one two three four five six seven eight ten'],
  ['mount etna', 'etna lava', false],
  ['theatre', 'atre', false],
  ['the', 'The Band', false],
  ['the', 'the'],
  ['coca - cola', 'Coca-Cola'],
  ['-', 'x - men', false],
  ['😂', '😂', false],
  ['', 'etna', false],
  ['東京', '東京'],
] as [string, string, boolean?][])('%j and %j', (one, other, matches = true) => {
  expect(fuzzyMatch(one, other)).toBe(matches);
  expect(fuzzyMatch(other, one)).toBe(matches);
});
