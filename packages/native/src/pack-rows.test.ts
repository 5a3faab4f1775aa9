import { expect, test } from 'vitest';
import { randomFloats } from '../test/random-floats.mjs';
import { crc32c } from './crc32c.js';
import { packRows } from './pack-rows.js';
import type { Precision } from './precision.js';
import { segmentColumns } from './segment-columns.js';

const precisions: Precision[] = ['float32', 'bfloat16', 'int8'];

/** To the nearest bfloat16, ties to even, by way of the two neighbours. */
function nearestBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0] as number;
  const below = bits & 0xffff0000;
  const [low, high] = new Float32Array(Uint32Array.of(below, below + 0x10000).buffer) as unknown as [number, number];
  const apart = Math.abs(value - low) - Math.abs(high - value);
  return (apart < 0 || (apart === 0 && (below & 0x10000) === 0) ? below : below + 0x10000) >>> 16;
}

test.each(precisions)('%s: columns of the sizes of the table, with their checksums', async (precision) => {
  for (const [rows, dimensions] of [
    [0, 3],
    [1, 1],
    [7, 5],
    [100, 128],
  ] as const) {
    const vectors = randomFloats(rows * dimensions, 1);
    const documents = Uint32Array.from({ length: rows }, (_, row) => row >> 1);
    const packed = await packRows(precision, dimensions, vectors, documents);
    const table = segmentColumns(precision, dimensions);
    expect(packed.columns.map((column) => column.length)).toEqual(table.map(({ rowBytes }) => rows * rowBytes));
    expect(packed.checksums).toEqual(packed.columns.map((column) => crc32c(column)));
    expect(packed.columns[1]).toEqual(new Uint8Array(documents.buffer));
    if (precision !== 'bfloat16') expect(packed.columns[0]).toEqual(new Uint8Array(vectors.buffer));
    if (precision !== 'int8') expect(packed.longest).toBe(0);
  }
});

test('the names of the columns', () => {
  const names = (precision: Precision) =>
    segmentColumns(precision, 8).map(({ name, rowBytes }) => `${name} ${rowBytes}`);
  expect(names('float32')).toEqual(['vectors 32', 'documents 4']);
  expect(names('bfloat16')).toEqual(['halves 16', 'documents 4']);
  expect(names('int8')).toEqual(['vectors 32', 'documents 4', 'codes 8', 'scales 4', 'errors 4', 'checksums 4']);
});

test('bfloat16 is the nearest, ties to even; infinity and NaN stay what they are', async () => {
  const ties = new Float32Array(Uint32Array.of(0x3f808000, 0x3f818000, 0x3f808001, 0x00008000, 0x00018000).buffer);
  const vectors = Float32Array.of(
    ...ties,
    ...randomFloats(500, 3),
    0,
    -0,
    1e-40,
    -1e-44,
    3.4e38,
    Infinity,
    -Infinity,
    NaN,
  );
  const packed = await packRows('bfloat16', vectors.length, vectors, Uint32Array.of(0));
  const halves = new Uint16Array((packed.columns[0] as Uint8Array<ArrayBuffer>).buffer);
  expect([...halves.subarray(0, -4)]).toEqual([...vectors.subarray(0, -4)].map(nearestBfloat16));
  expect([...halves.subarray(-3, -1)]).toEqual([0x7f80, 0xff80]);
  expect((halves.at(-1) as number) & 0x7fff).toBeGreaterThan(0x7f80);
});

test('int8: codes and scales give the rows back within their errors, and rows have checksums', async () => {
  const [rows, dimensions] = [50, 33];
  const vectors = randomFloats(rows * dimensions, 4);
  const packed = await packRows('int8', dimensions, vectors, new Uint32Array(rows));
  const [, , codes, scales, errors, checksums] = packed.columns.map((column) => column.buffer) as ArrayBuffer[];
  let longest = 0;
  for (let row = 0; row < rows; row++) {
    const original = vectors.subarray(row * dimensions, (row + 1) * dimensions);
    const scale = new Float32Array(scales as ArrayBuffer)[row] as number;
    const quantised = [...new Int8Array(codes as ArrayBuffer, row * dimensions, dimensions)].map(
      (code) => code * scale,
    );
    const lost = Math.hypot(...quantised.map((value, i) => value - (original[i] as number)));
    const error = new Float32Array(errors as ArrayBuffer)[row] as number;
    expect(lost).toBeLessThanOrEqual(error);
    expect(error).toBeLessThanOrEqual(lost * 1.001);
    longest = Math.max(longest, Math.hypot(...quantised));
    const bytes = new Uint8Array(original.buffer, original.byteOffset, original.byteLength);
    expect(new Uint32Array(checksums as ArrayBuffer)[row]).toBe(crc32c(bytes));
  }
  expect(packed.longest).toBeGreaterThanOrEqual(longest);
  expect(packed.longest).toBeLessThanOrEqual(longest * 1.001);
});

test('wrong arguments are refused as rejections', async () => {
  const vectors = new Float32Array(6);
  await expect(packRows('int4' as 'int8', 3, vectors, new Uint32Array(2))).rejects.toThrow("got 'int4'");
  await expect(packRows('int8', 65537, vectors, new Uint32Array(2))).rejects.toThrow('from 1 to 65536, got 65537');
  await expect(packRows('float32', 4, vectors, new Uint32Array(1))).rejects.toThrow('whole number of rows of 4');
  await expect(packRows('float32', 3, vectors, new Uint32Array(3))).rejects.toThrow('each of 2 rows, got 3');
  await expect(packRows('float32', 3, vectors, [0, 0] as never)).rejects.toThrow('documents to be a Uint32Array');
  await expect(packRows('float32', 3, vectors, Uint32Array.of(5, 4))).rejects.toThrow('got 4 after 5 at row 1');
  await expect(packRows('float32', 3, vectors, Uint32Array.of(5, 2 ** 32 - 1))).rejects.toThrow(RangeError);
  expect(() => segmentColumns('float32', 0)).toThrow(RangeError);
});
