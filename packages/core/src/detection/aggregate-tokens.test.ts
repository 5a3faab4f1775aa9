import { describe, expect, test } from 'vitest';
import { type Aggregation, aggregateTokens } from './aggregate-tokens.js';
import { labelTags } from './label-tags.js';

/** Tokens with one label each: the label has the score 0.8, the others share the rest. A token written `+LABEL` goes on with a word. */
function spansOf(labels: readonly string[], written: string, aggregation: Aggregation = 'simple') {
  const tokens = written.split(' ');
  const scores = tokens.flatMap((token) =>
    labels.map((label) => (token.replace('+', '') === label ? 0.8 : 0.2 / (labels.length - 1))),
  );
  expect(scores.filter((score) => score === 0.8).length).toBe(tokens.length);
  const wordBegins = Uint8Array.from(tokens, (token) => (token.startsWith('+') ? 0 : 1));
  const all = { count: tokens.length, scores: Float32Array.from(scores), wordBegins };
  return aggregateTokens(all, labelTags(labels), aggregation).map(({ first, end }) => [first, end]);
}

describe('tokens of one mention', () => {
  const bio = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'];
  const bilou = ['O', 'B-X', 'I-X', 'L-X', 'U-X', 'B-Y', 'I-Y', 'L-Y', 'U-Y'];
  const bioes = ['O', 'B-X', 'I-X', 'E-X', 'S-X'];
  test.each([
    [
      'BIO',
      bio,
      'O B-PER I-PER O B-LOC',
      [
        [1, 3],
        [4, 5],
      ],
    ],
    [
      'neighbours of one type',
      bio,
      'B-PER B-PER I-PER',
      [
        [0, 1],
        [1, 3],
      ],
    ],
    [
      'neighbours of two types',
      bio,
      'B-PER I-PER B-LOC I-LOC',
      [
        [0, 2],
        [2, 4],
      ],
    ],
    [
      'IOB1: I begins a mention too',
      bio,
      'I-PER I-PER O I-LOC B-LOC',
      [
        [0, 2],
        [3, 4],
        [4, 5],
      ],
    ],
    [
      'an I of another type begins anew',
      bio,
      'B-PER I-LOC',
      [
        [0, 1],
        [1, 2],
      ],
    ],
    [
      'BILOU',
      bilou,
      'U-X U-X B-X I-X L-X B-X L-X O U-Y',
      [
        [0, 1],
        [1, 2],
        [2, 5],
        [5, 7],
        [8, 9],
      ],
    ],
    [
      'BILOU: nothing goes on behind an L',
      bilou,
      'B-X L-X I-X L-X',
      [
        [0, 2],
        [2, 4],
      ],
    ],
    [
      'BIOES',
      bioes,
      'B-X E-X S-X O B-X I-X E-X',
      [
        [0, 2],
        [2, 3],
        [4, 7],
      ],
    ],
    [
      'bare types',
      ['O', 'PER', 'LOC'],
      'PER PER LOC O LOC LOC',
      [
        [0, 2],
        [2, 3],
        [4, 6],
      ],
    ],
    ['to the end', ['O', 'B', 'I'], 'O B I I', [[1, 4]]],
    ['nothing', ['O', 'B', 'I'], 'O O', []],
  ])('%s', (_, labels, written, spans) => {
    expect(spansOf(labels, written)).toEqual(spans);
  });
});

test('a word is labelled as a whole, by its first token, its mean or its surest token', () => {
  const tags = labelTags(['O', 'PER', 'LOC']);
  const tokens = {
    count: 3,
    scores: Float32Array.of(0.2, 0.6, 0.2, 0.1, 0, 0.9, 0.6, 0.2, 0.2),
    wordBegins: Uint8Array.of(1, 0, 0),
  };
  const score = (aggregation: Aggregation) => aggregateTokens(tokens, tags, aggregation);
  expect(score('simple')).toEqual([
    { first: 0, end: 1, score: expect.closeTo(0.6) },
    { first: 1, end: 2, score: expect.closeTo(0.9) },
  ]);
  expect(score('first')).toEqual([{ first: 0, end: 3, score: expect.closeTo(0.6) }]);
  expect(score('max')).toEqual([{ first: 0, end: 3, score: expect.closeTo(0.9) }]);
  expect(score('average')).toEqual([{ first: 0, end: 3, score: expect.closeTo(1.3 / 3) }]);
});

test('the score of a mention is the mean of its words', () => {
  const tokens = { count: 2, scores: Float32Array.of(0.1, 0.9, 0.4, 0.6), wordBegins: Uint8Array.of(1, 1) };
  expect(aggregateTokens(tokens, labelTags(['O', 'X']), 'first')).toEqual([
    { first: 0, end: 2, score: expect.closeTo(0.75) },
  ]);
});
