import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CudaDevice } from '@ner-retriever/native';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { useEmulatedCuda } from '../../../../test/support/emulated-cuda.mjs';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { IndexFolder } from '../index/index-folder.js';
import type { IndexEntry } from '../index/index-writer.js';
import { Searcher } from './searcher.js';

const isEmulated = useEmulatedCuda();
const dimensions = 64;
const random = randomNumbers(7);
const vectors = (rows: number) => Float32Array.from({ length: rows * dimensions }, () => random() - 0.5);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ner-retriever-search-device-'));
  const model = { name: 'm', version: '1', fingerprint: 'f', path: null };
  await IndexFolder.create(directory, { model, dimensions, precision: 'float32' });
});
afterEach(() => rm(directory, { recursive: true }));

/** Adds documents of two mentions each. */
async function add(folder: IndexFolder, from: number, count: number): Promise<void> {
  const entries = Array.from({ length: count }, (_, place): IndexEntry => {
    const id = `d${from + place}`;
    return {
      document: { id, text: `text of ${id}` },
      content: Buffer.from(id),
      mentions: [0, 1].map((start) => ({ start, end: start + 1, text: '' })),
      vectors: vectors(2),
    };
  });
  const writer = await folder.openWriter();
  await writer.commit(entries);
  await writer.close();
}

describe.runIf(isEmulated)('rows that do not fit the GPU', () => {
  test('are searched on the CPU, and that is said; those that fit were not', async () => {
    const folder = await IndexFolder.open(directory);
    const onCpu = await IndexFolder.open(directory);
    const device = await CudaDevice.open({ memoryLimit: 2 ** 20 });
    folder.searchOn(device);
    const [searcher, reference] = [new Searcher(folder), new Searcher(onCpu)];
    const query = { rows: 1, columns: dimensions, data: vectors(1) };
    const expectSame = async () => {
      const [[found], [expected]] = await Promise.all([searcher.search(query, 20), reference.search(query, 20)]);
      expect(found?.hits.map(({ id }) => id)).toEqual(expected?.hits.map(({ id }) => id));
    };

    await add(folder, 0, 500);
    await expectSame();
    expect(folder.deviceFault).toBeNull();
    expect((await device.describe()).heldBytes).toBeGreaterThan(2 * 500 * dimensions * 4);

    await add(folder, 500, 2000);
    await expectSame();
    expect(folder.deviceFault).toMatch(/memory/);

    folder.close();
    onCpu.close();
    await device.close();
  });
});
