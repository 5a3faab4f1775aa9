import { expect, test } from 'vitest';
import { randomFloats } from '../test/random-floats.mjs';
import { poolSpans } from './pool-spans.js';

const tokens = 23;
const spans = Int32Array.of(0, 1, 0, 23, 22, 23, 4, 9, 3, 10, 4, 9);

test.each([1, 2, 7, 16, 37, 384])(
  'last, first, mean and first+last of %i dimensions agree with float64',
  (dimensions) => {
    const rows = randomFloats(tokens * dimensions, dimensions);
    const last = poolSpans(rows, dimensions, spans, 'last');
    const first = poolSpans(rows, dimensions, spans, 'first');
    const mean = poolSpans(rows, dimensions, spans, 'mean');
    const both = poolSpans(rows, dimensions, spans, 'first+last');
    expect(both).toHaveLength(spans.length * dimensions);
    for (const pooled of [last, first, mean]) expect(pooled).toHaveLength((spans.length / 2) * dimensions);
    for (let span = 0; span < spans.length / 2; span++) {
      const begin = spans[2 * span] as number;
      const end = spans[2 * span + 1] as number;
      for (let column = 0; column < dimensions; column++) {
        let sum = 0;
        for (let row = begin; row < end; row++) sum += rows[row * dimensions + column] as number;
        expect(last[span * dimensions + column]).toBe(rows[(end - 1) * dimensions + column]);
        expect(first[span * dimensions + column]).toBe(rows[begin * dimensions + column]);
        expect(both[2 * span * dimensions + column]).toBe(rows[begin * dimensions + column]);
        expect(both[(2 * span + 1) * dimensions + column]).toBe(rows[(end - 1) * dimensions + column]);
        expect(Math.abs((mean[span * dimensions + column] as number) - sum / (end - begin))).toBeLessThan(1e-6);
      }
    }
  },
);

test('rows may be a view into a larger buffer', () => {
  const rows = new Float32Array(Float32Array.of(9, 9, 1, 2, 3, 4, 9).buffer, 8, 4);
  expect([...poolSpans(rows, 2, Int32Array.of(0, 2), 'mean')]).toEqual([2, 3]);
});

test('no spans give no rows', () => {
  expect(poolSpans(new Float32Array(0), 3, new Int32Array(0), 'mean')).toHaveLength(0);
});

test.each([
  [[0, 0], 'span 0 is [0, 0): expected a non-empty range within 3 token rows'],
  [[0, 1, 2, 1], 'span 1 is [2, 1)'],
  [[-1, 1], 'span 0 is [-1, 1)'],
  [[0, 4], 'span 0 is [0, 4)'],
  [[0], 'expected spans to be a whole number of rows of 2, got 1 elements'],
])('spans %j are refused', (wrong, message) => {
  const call = () => poolSpans(new Float32Array(6), 2, Int32Array.from(wrong), 'last');
  expect(call).toThrow(RangeError);
  expect(call).toThrow(message);
});

test('wrong sizes and names are refused', () => {
  const one = Int32Array.of(0, 1);
  expect(() => poolSpans(new Float32Array(5), 2, one, 'last')).toThrow('whole number of rows of 2, got 5 elements');
  expect(() => poolSpans(new Float32Array(5), 0, one, 'last')).toThrow('dimensions to be an integer from 1');
  expect(() => poolSpans(new Float32Array(5), 2.5, one, 'last')).toThrow(RangeError);
  expect(() => poolSpans(new Float32Array(4), 2, one, 'max' as 'last')).toThrow("'first+last', got max");
});
