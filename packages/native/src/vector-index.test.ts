import { expect, test } from 'vitest';
import { randomFloats } from '../test/random-floats.mjs';
import { VectorIndex } from './vector-index.js';

/** Row numbers by falling float64 inner product, ties by lower row, and the products. */
function reference(rows: Float32Array, query: Float32Array): { order: number[]; scores: number[] } {
  const dimensions = query.length;
  const scores = Array.from({ length: rows.length / dimensions }, (_, row) =>
    query.reduce((sum, value, i) => sum + value * (rows[row * dimensions + i] as number), 0),
  );
  const order = scores.map((_, row) => row).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  return { order, scores };
}

test.each([
  [1, 1, 1],
  [300, 17, 3],
  [2000, 64, 25],
  [50, 500, 2],
])('%i rows of %i dimensions, %i queries: the ranking of float64', async (count, dimensions, queryCount) => {
  const index = new VectorIndex({ dimensions, threads: 2 });
  const rows = randomFloats(count * dimensions, count);
  const half = Math.floor(count / 2) * dimensions;
  await index.add(rows.subarray(0, half));
  await index.add(rows.subarray(half));
  expect(index.size).toBe(count);

  const queries = randomFloats(queryCount * dimensions, 5);
  const top = Math.min(10, count);
  const found = await index.search(queries, top);
  const all = await index.search(queries, count + 5);
  expect(found.limit).toBe(top);
  expect(all.limit).toBe(count);
  for (let q = 0; q < queryCount; q++) {
    const expected = reference(rows, queries.subarray(q * dimensions, (q + 1) * dimensions));
    expect(new Set(all.rows.subarray(q * count, (q + 1) * count)).size).toBe(count);
    for (let place = 0; place < count; place++) {
      const row = all.rows[q * count + place] as number;
      expect(Math.abs((all.scores[q * count + place] as number) - (expected.scores[row] as number))).toBeLessThan(1e-4);
      // The order may differ from float64's only where float32 cannot tell the scores apart.
      const apart = (expected.scores[expected.order[place] as number] as number) - (expected.scores[row] as number);
      expect(Math.abs(apart)).toBeLessThan(1e-4);
    }
    expect(found.rows.subarray(q * top, (q + 1) * top)).toEqual(all.rows.subarray(q * count, q * count + top));
  }
});

test('equal scores go by lower row, NaN comes last', async () => {
  const index = new VectorIndex({ dimensions: 2 });
  await index.add(Float32Array.of(NaN, 0, 1, 0, 2, 0, 1, 5, 2, 7));
  const { rows, scores } = await index.search(Float32Array.of(1, 0), 5);
  expect([...rows]).toEqual([2, 4, 1, 3, 0]);
  expect([...scores]).toEqual([2, 2, 1, 1, NaN]);
});

test('adds keep the order of their calls, and searches run beside them', async () => {
  const index = new VectorIndex({ dimensions: 1 });
  const adds = Array.from({ length: 40 }, (_, i) => index.add(new Float32Array(50).fill(i)));
  const searches = Array.from({ length: 20 }, () => index.search(Float32Array.of(1), 3));
  await Promise.all([...adds, ...searches]);
  const { scores, rows } = await index.search(Float32Array.of(-1), 2000);
  rows.forEach((row, place) => {
    expect(scores[place]).toBe(-Math.floor(row / 50) || 0);
  });
});

test('an empty index finds nothing', async () => {
  const found = await new VectorIndex({ dimensions: 3 }).search(new Float32Array(6), 10);
  expect(found).toEqual({ scores: new Float32Array(0), rows: new Uint32Array(0), limit: 0 });
});

test('options are checked by name and by value', () => {
  expect(() => new VectorIndex({ dimension: 3 } as never)).toThrow(
    "expected options of VectorIndex to be dimensions, threads, got 'dimension'",
  );
  expect(() => new VectorIndex({ dimensions: 0 })).toThrow('dimensions to be an integer from 1 to 1048576, got 0');
  expect(() => new VectorIndex({ dimensions: 3, threads: 0 })).toThrow(RangeError);
});

test('wrong sizes are refused as rejections, and the index goes on working', async () => {
  const index = new VectorIndex({ dimensions: 3 });
  await expect(index.add(new Float32Array(4))).rejects.toThrow(RangeError);
  await index.add(new Float32Array(3));
  await expect(index.search(new Float32Array(2), 1)).rejects.toThrow('whole number of rows of 3, got 2 elements');
  for (const limit of [0, -1, 1.5, NaN, Infinity]) {
    await expect(index.search(new Float32Array(3), limit)).rejects.toThrow(RangeError);
  }
  expect((await index.search(new Float32Array(3), 1)).limit).toBe(1);
});
