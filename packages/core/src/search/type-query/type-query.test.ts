import { describe, expect, test } from 'vitest';
import { NerRetrieverError } from '../../errors.js';
import { combineVectors } from './combine-vectors.js';
import { describeTypeQuery } from './describe-type-query.js';
import { parseTypeQuery, wordsOf } from './parse-type-query.js';
import type { TypeQuery } from './type-query.js';

describe('one vector for a combination', () => {
  const x = { vector: Float32Array.from([1, 0, 0]), weight: 1 };
  const y = { vector: Float32Array.from([0, 1, 0]), weight: 1 };
  const z = { vector: Float32Array.from([0, 0, 1]), weight: 1 };
  const none = { all: [], not: [], examples: [] };
  const unit = (...values: number[]) => {
    const length = Math.hypot(...values);
    return values.map((value) => expect.closeTo(value / length, 6));
  };
  const combined = (parts: Partial<typeof none> | object) => [...(combineVectors({ ...none, ...parts }, 3) ?? [])];

  test.each<[string, object, number[]]>([
    ['one description is itself', { all: [x] }, [1, 0, 0]],
    ['whatever its weight', { all: [{ ...x, weight: 7 }] }, [1, 0, 0]],
    ['two, as much each', { all: [x, y] }, [1, 1, 0]],
    ['weights', { all: [{ ...x, weight: 3 }, y] }, [3, 1, 0]],
    ['an example beside a description', { all: [x], examples: [y] }, [1, 0.5, 0]],
    ['two examples', { all: [x], examples: [y, z] }, [1, 1 / 3, 1 / 3]],
    ['an example of double weight', { all: [x], examples: [{ ...y, weight: 2 }, z] }, [1, 2 / 3, 1 / 3]],
    ['examples alone', { examples: [y, z] }, [0, 1, 1]],
    ['what it is not', { all: [x], not: [y] }, [1, -0.2, 0]],
    ['several of these do not count more together', { all: [x], not: [y, z] }, [1, -0.1, -0.1]],
    ['all of it', { all: [x, y], examples: [z], not: [y] }, [0.5, 0.3, 0.5]],
  ])('%s', (_, parts, expected) => {
    expect(combined(parts)).toEqual(unit(...expected));
  });

  test('parts that cancel each other out leave nothing', () => {
    expect(combineVectors({ ...none, all: [x], not: [{ ...x, weight: 5 }] }, 3)).toBeNull();
    const opposite = { vector: Float32Array.from([-1, 0, 0]), weight: 1 };
    expect(combineVectors({ ...none, all: [x, opposite] }, 3)).toBeNull();
  });
});

describe('reads what is searched for', () => {
  test('a string stays as it is', () => {
    expect(parseTypeQuery('  a ^2 {"all"} ', 'query')).toBe('  a ^2 {"all"} ');
    expect(wordsOf(' a b')).toBe(' a b');
  });

  test('a combination with nothing left out', () => {
    const parsed = parseTypeQuery(
      {
        all: ['company', { description: 'car maker', weight: 2 }],
        not: ['bank'],
        examples: ['Toyota', { text: 'Ford' }, { text: 'In Fiat we trust', start: 3, end: 7, weight: 0.5 }],
      },
      'query',
    );
    expect(parsed).toEqual({
      all: [
        { description: 'company', weight: 1 },
        { description: 'car maker', weight: 2 },
      ],
      not: [{ description: 'bank', weight: 1 }],
      examples: [
        { text: 'Toyota', start: 0, end: 6, weight: 0.4 },
        { text: 'Ford', start: 0, end: 4, weight: 0.4 },
        { text: 'In Fiat we trust', start: 3, end: 7, weight: 0.5 },
      ],
    });
    // Words of what is excluded would bring in what is excluded.
    expect(wordsOf(parsed)).toBe('company car maker');
    expect(wordsOf(parseTypeQuery({ examples: ['Toyota'] }, 'query'))).toBe('');
  });

  test.each<[unknown, string, RegExp]>([
    [7, 'OPTION_INVALID', /a string, or \{ all, not, examples \} for query, but received number 7/],
    [null, 'OPTION_INVALID', /for query, but received null/],
    [['a'], 'OPTION_INVALID', /for query, but received an array/],
    [{ any: ['a'] }, 'OPTION_UNKNOWN', /Unknown option "any" for query\. Expected one of: all, not, examples/],
    [{}, 'OPTION_INVALID', /something in all or in examples for query/],
    [{ all: [], not: ['a'] }, 'OPTION_INVALID', /something in all or in examples/],
    [{ all: 'company' }, 'OPTION_INVALID', /an array for query\.all, but received string company/],
    [{ all: [7] }, 'OPTION_INVALID', /\{ description, weight \} for query\.all\[0\], but received number 7/],
    [{ all: [['a']] }, 'OPTION_INVALID', /query\.all\[0\]/],
    [{ all: [{ text: 'a' }] }, 'OPTION_UNKNOWN', /"text" for query\.all\[0\]/],
    [{ all: [{}] }, 'OPTION_INVALID', /a string for query\.all\[0\]\.description/],
    [
      { all: ['a', { description: 'b', weight: -1 }] },
      'OPTION_INVALID',
      /above 0 for query\.all\[1\]\.weight, but .* -1/,
    ],
    [{ all: [{ description: 'b', weight: 0 }] }, 'OPTION_INVALID', /above 0/],
    [{ all: [{ description: 'b', weight: Number.NaN }] }, 'OPTION_INVALID', /above 0/],
    [{ all: ['a'], not: [{ description: 'b', weight: '2' }] }, 'OPTION_INVALID', /above 0 for query\.not\[0\]\.weight/],
    [{ examples: [{ start: 0, end: 1 }] }, 'OPTION_INVALID', /a string for query\.examples\[0\]\.text/],
    [{ examples: [{ text: 'abc', start: 1 }] }, 'OPTION_INVALID', /a whole number for query\.examples\[0\]\.end/],
    [
      { examples: [{ text: 'abc', start: 1, end: 9 }] },
      'OPTION_INVALID',
      /query\.examples\[0\], but received .*1, 9 \(outside-text\)/,
    ],
    [{ examples: [{ text: 'abc', start: 1, end: 1 }] }, 'OPTION_INVALID', /\(empty\)/],
    [{ examples: [{ text: '🦖', start: 0, end: 1 }] }, 'OPTION_INVALID', /\(splits-character\)/],
    [{ examples: [{ text: 'a', lang: 'en' }] }, 'OPTION_UNKNOWN', /"lang" for query\.examples\[0\]/],
  ])('refuses %j, and says where', (query, code, message) => {
    let error: unknown;
    try {
      parseTypeQuery(query, 'query');
    } catch (thrown) {
      error = thrown;
    }
    expect(NerRetrieverError.isInstance(error) && error.code).toBe(code);
    expect((error as Error).message).toMatch(message);
  });
});

test.each<[TypeQuery, string]>([
  ['company', 'company'],
  [{ all: ['company'] }, '"company"'],
  [
    {
      all: ['company', { description: 'car maker', weight: 2 }],
      not: ['railway', { description: 'bank', weight: 0.5 }],
    },
    '"company" and "car maker"^2 not "railway" not "bank"^0.5',
  ],
  [{ examples: ['Toyota', { text: 'Fiat', weight: 3 }] }, 'like "Toyota", "Fiat"^3'],
  [
    { all: ['company'], examples: [{ text: 'Toyota opened a plant.', start: 0, end: 6 }] },
    '"company" like "[[Toyota]] opened a plant."',
  ],
  [
    { examples: [{ text: `${'x'.repeat(100)}Fiat${'y'.repeat(100)}`, start: 100, end: 104 }] },
    `like "…${'x'.repeat(40)}[[Fiat]]${'y'.repeat(40)}…"`,
  ],
])('%j reads as %s', (query, expected) => {
  expect(describeTypeQuery(query)).toBe(expected);
});
