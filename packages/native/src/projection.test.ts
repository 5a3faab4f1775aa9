import { expect, test } from 'vitest';
import { randomFloats } from '../test/random-floats.mjs';
import { poolSpans } from './pool-spans.js';
import { type LinearLayer, Projection } from './projection.js';

function randomLayers(widths: readonly number[]): LinearLayer[] {
  return widths.slice(1).map((output, i) => {
    const input = widths[i] as number;
    const weight = randomFloats(output * input, output + input).map((value) => value / Math.sqrt(input));
    return { weight, bias: randomFloats(output, output) };
  });
}

/** One row through the layers in float64. */
function reference(layers: readonly LinearLayer[], row: Float32Array): number[] {
  let values = [...row];
  layers.forEach(({ weight, bias }, layer) => {
    if (layer > 0) values = values.map((value) => value / (1 + Math.exp(-value)));
    const input = values;
    values = [...bias].map((b, out) =>
      input.reduce((sum, x, i) => sum + x * (weight[out * input.length + i] as number), b),
    );
  });
  const norm = Math.hypot(...values);
  return norm === 0 ? values : values.map((value) => value / norm);
}

test.each([[[3]], [[1, 1]], [[5, 4, 3]], [[37, 50, 41]], [[256, 500, 500]], [[16, 32, 16, 8]]])(
  'a head of %j agrees with float64, off the event loop and on it',
  async (widths) => {
    const input = widths[0] as number;
    const output = widths.at(-1) as number;
    const layers = randomLayers(widths);
    const projection = new Projection(layers, input);
    expect(projection.inputDimensions).toBe(input);
    expect(projection.outputDimensions).toBe(output);

    const rows = randomFloats(19 * input, 7);
    const projected = await projection.project(rows);
    expect(projected).toHaveLength(19 * output);
    expect(projection.projectSync(rows)).toEqual(projected);
    for (let row = 0; row < 19; row++) {
      const expected = reference(layers, rows.subarray(row * input, (row + 1) * input));
      expected.forEach((value, i) => {
        expect(Math.abs((projected[row * output + i] as number) - value)).toBeLessThan(5e-6);
      });
      // Batch = single, to the bit.
      const alone = projection.projectSync(rows.subarray(row * input, (row + 1) * input));
      expect(alone).toEqual(projected.subarray(row * output, (row + 1) * output));
    }
  },
);

test('zero rows stay zero and NaN rows are NaN', () => {
  const unit = new Projection([], 3);
  expect([...unit.projectSync(Float32Array.of(0, 0, 0, 0, NaN, 1, 0, 3, 4))]).toEqual([
    0,
    0,
    0,
    NaN,
    NaN,
    NaN,
    0,
    Math.fround(0.6),
    Math.fround(0.8),
  ]);
});

test('no rows give no rows', async () => {
  expect(await new Projection(randomLayers([3, 2]), 3).project(new Float32Array(0))).toHaveLength(0);
});

test('weights are copied: changing them afterwards changes nothing', () => {
  const layers = randomLayers([4, 6]);
  const projection = new Projection(layers, 4);
  const before = projection.projectSync(Float32Array.of(1, 2, 3, 4));
  for (const { weight } of layers) weight.fill(0);
  expect(projection.projectSync(Float32Array.of(1, 2, 3, 4))).toEqual(before);
});

test('shapes that do not follow from each other are refused', () => {
  const layer = (weights: number, biases: number) => ({
    weight: new Float32Array(weights),
    bias: new Float32Array(biases),
  });
  expect(() => new Projection([layer(6, 2), layer(5, 2)], 3)).toThrow(
    'expected layers[1].weight to be [2, 2] as its bias and its input say, got 5 elements',
  );
  expect(() => new Projection([layer(0, 0)], 3)).toThrow(RangeError);
  expect(() => new Projection([], 0)).toThrow(RangeError);
  expect(() => new Projection([], '3' as never)).toThrow('expected inputDimensions to be a number');
  expect(() => new Projection([null as never], 3)).toThrow('expected layers[0] to be { weight, bias }');
});

test('rows that are no whole rows are refused, as a rejection where a promise is given', async () => {
  const projection = new Projection([], 3);
  expect(() => projection.projectSync(new Float32Array(4))).toThrow(RangeError);
  await expect(projection.project(new Float32Array(4))).rejects.toThrow('whole number of rows of 3, got 4 elements');
});

test('spans of token rows are pooled and projected in one call', async () => {
  const projection = new Projection([{ weight: randomFloats(6 * 8, 1), bias: randomFloats(6, 2) }], 8);
  // More spans than are pooled at once.
  const begins = Array.from({ length: 2500 }, (_, i) => i % 20);
  const spans = Int32Array.from(begins.flatMap((begin, i) => [begin, begin + 1 + (i % 10)]));
  const rows = randomFloats(30 * 8, 3);
  for (const pooling of ['last', 'first', 'mean'] as const) {
    const expected = projection.projectSync(poolSpans(rows, 8, spans, pooling));
    expect(await projection.projectSpans(rows, spans, pooling)).toEqual(expected);
    expect(projection.projectSpansSync(rows, spans, pooling)).toEqual(expected);
  }
  const both = projection.projectSync(poolSpans(rows, 4, spans, 'first+last'));
  expect(await projection.projectSpans(rows, spans, 'first+last')).toEqual(both);
});

test('spans that cannot be are refused', async () => {
  const projection = new Projection([], 7);
  const rows = new Float32Array(2 * 7);
  await expect(projection.projectSpans(rows, Int32Array.of(1, 1), 'last')).rejects.toThrow(RangeError);
  await expect(projection.projectSpans(rows, Int32Array.of(1, 3), 'last')).rejects.toThrow(RangeError);
  expect(() => projection.projectSpansSync(rows, Int32Array.of(0, 1, 2), 'last')).toThrow('whole number of rows of 2');
  expect(() => projection.projectSpansSync(rows, Int32Array.of(0, 1), 'first+last')).toThrow('an even number');
});
