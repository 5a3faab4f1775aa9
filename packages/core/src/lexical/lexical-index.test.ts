import { afterEach, beforeEach, expect, test } from 'vitest';
import { LexicalIndex } from './lexical-index.js';

let index: LexicalIndex;
beforeEach(() => {
  index = new LexicalIndex();
});
afterEach(() => index.close());

const ids = (query: string, limit?: number): string[] =>
  index.search(query, limit === undefined ? {} : { limit }).map((hit) => hit.id);

test('stems words and folds accents', () => {
  index.add([
    { id: 'plural', text: 'Two dinosaurs were found.' },
    { id: 'accent', text: 'A café in Paris.' },
    { id: 'decomposed', text: 'Another cafe\u0301 opened.' },
  ]);
  expect(ids('dinosaur')).toEqual(['plural']);
  expect(ids('cafes').sort()).toEqual(['accent', 'decomposed']);
  expect(ids('cafe\u0301').sort()).toEqual(['accent', 'decomposed']);
});

test('scores as BM25 does: rare words weigh more, short texts more than long ones', () => {
  const filler = Array.from({ length: 20 }, (_, number) => ({
    id: `filler-${number}`,
    text: `plain words number${number}`,
  }));
  index.add([
    ...filler,
    { id: 'long', text: `soprano ${'and then something else happened '.repeat(5)}` },
    { id: 'short', text: 'soprano aria' },
    { id: 'both', text: 'operatic soprano' },
  ]);
  expect(ids('operatic soprano')).toEqual(['both', 'short', 'long']);

  // The formula by hand: N = 23 documents, n = 3 with the word, k1 = 1.2, b = 0.75.
  const lengths = [...filler.map(() => 3), 26, 2, 2];
  const average = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  const inverseFrequency = Math.log((23 - 3 + 0.5) / (3 + 0.5));
  const expected = (inverseFrequency * (1 * (1.2 + 1))) / (1 + 1.2 * (1 - 0.75 + (0.75 * 2) / average));
  expect(index.search('soprano')[0]?.score).toBeCloseTo(expected, 6);
});

test('equal scores come in the order of adding, over several calls of add', () => {
  index.add([{ id: 'z', text: 'a mineral' }]);
  index.add([
    { id: 'a', text: 'the mineral' },
    { id: 'm', text: 'one mineral' },
    { id: 'other', text: 'no match here' },
  ]);
  expect(ids('mineral')).toEqual(['z', 'a', 'm']);
  expect(ids('mineral', 2)).toEqual(['z', 'a']);
  expect(ids('mineral', 0)).toEqual([]);
});

test('an empty query and an unknown word find nothing', () => {
  index.add([{ id: 'a', text: 'something' }]);
  expect(ids('')).toEqual([]);
  expect(ids('anything"; DROP TABLE texts; --')).toEqual([]);
  expect(index.size).toBe(1);
});

test('a failed add leaves nothing behind', () => {
  function* broken() {
    yield { id: 'a', text: 'first' };
    throw new Error('the source broke');
  }
  expect(() => index.add(broken())).toThrow('the source broke');
  expect(index.size).toBe(0);
  index.add([{ id: 'b', text: 'first' }]);
  expect(ids('first')).toEqual(['b']);
});
