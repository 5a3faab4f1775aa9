import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NpyWriter } from './npy-writer.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ner-retriever-npy-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('writes the format to the byte', async () => {
  const path = join(folder, 'v.npy');
  const writer = await NpyWriter.create(path, 3);
  await writer.write(Float32Array.of(1, 2, 3));
  await writer.write(Float32Array.of(-0.5, Number.NaN, 6, 7, 8, 9));
  expect(existsSync(path)).toBe(false);
  await writer.finish();

  const bytes = await readFile(path);
  expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00');
  const length = bytes.readUInt16LE(8);
  expect((10 + length) % 64).toBe(0);
  const header = bytes.subarray(10, 10 + length).toString('latin1');
  expect(header.trimEnd()).toBe("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }");
  expect(header.endsWith('\n')).toBe(true);
  const values = Array.from({ length: 9 }, (_, place) => bytes.readFloatLE(10 + length + place * 4));
  expect(values).toEqual([1, 2, 3, -0.5, Number.NaN, 6, 7, 8, 9]);
  expect(bytes.length).toBe(10 + length + 9 * 4);
});

test('an array of no rows is an array', async () => {
  const path = join(folder, 'empty.npy');
  await (await NpyWriter.create(path, 4)).finish();
  expect((await readFile(path)).toString('latin1')).toContain("'shape': (0, 4)");
});

test('a discarded array leaves no file', async () => {
  const path = join(folder, 'discarded.npy');
  const writer = await NpyWriter.create(path, 1);
  await writer.write(Float32Array.of(1));
  await writer.discard();
  expect(existsSync(path)).toBe(false);
  expect(existsSync(`${path}.partial`)).toBe(false);
});
