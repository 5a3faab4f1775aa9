import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildApproximateIndex } from '@ner-retriever/core';
import { FaissIndex } from '@ner-retriever/native';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { randomNumbers } from '../../evaluation/random-numbers.js';
import { IndexFolder } from '../index-folder.js';
import { LoadedApproximate } from './approximate-rows.js';

// A FAISS whose GPUs lie in the host's memory, built with the tests of native/.
const standIn = fileURLToPath(
  new URL('../../../../../native/build-release/faiss/ner_retriever_faiss_stand_in.so', import.meta.url),
);
const isBuilt = existsSync(standIn);
if (isBuilt) process.env.NER_RETRIEVER_FAISS_LIBRARY = standIn;
else console.warn(`FAISS on GPUs: not tested here, ${standIn} is not built`);

const dimensions = 8;
const rowCount = 2500;

describe.runIf(isBuilt)('an approximate index where the search is on a GPU', () => {
  const toDevice = vi.spyOn(FaissIndex.prototype, 'toDevice');
  const random = randomNumbers(3);
  const numbers = (count: number) => Float32Array.from({ length: count }, () => random() - 0.5);
  let directory: string;

  beforeEach(async () => {
    toDevice.mockClear();
    directory = await mkdtemp(join(tmpdir(), 'approximate-on-gpu-'));
    const model = { name: 'm', version: '1', fingerprint: 'f', path: null };
    await IndexFolder.create(directory, { model, dimensions, precision: 'float32' });
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    const mentions = Array.from({ length: rowCount }, () => ({ start: 0, end: 1, text: '' }));
    const document = { id: 'd', text: 'text' };
    await writer.commit([{ document, content: Buffer.from('d'), mentions, vectors: numbers(rowCount * dimensions) }]);
    await writer.close();
    folder.close();
  });
  afterEach(() => rm(directory, { recursive: true }));

  const load = async (useGpu: boolean) => {
    const folder = await IndexFolder.open(directory);
    const rows = await new LoadedApproximate(directory, useGpu).rows(folder.totals().generation);
    folder.close();
    return rows as NonNullable<typeof rows>;
  };

  test('is copied there and answers the same, also what a GPU refuses', async () => {
    await buildApproximateIndex(directory, { factory: 'Flat' });
    const [here, there] = [await load(false), await load(true)];
    expect(toDevice).toHaveBeenCalledTimes(1);
    const copy = (await toDevice.mock.results[0]?.value) as FaissIndex;
    const searchThere = vi.spyOn(copy, 'search');
    const query = numbers(dimensions);
    expect(await there.search(query, 10, {})).toEqual(await here.search(query, 10, {}));
    expect(await searchThere.mock.results[0]?.value).toMatchObject({ limit: 10 });
    // A GPU selects 2,048 rows at most.
    expect(await there.search(query, rowCount, {})).toEqual(await here.search(query, rowCount, {}));
    await expect(searchThere.mock.results[1]?.value).rejects.toThrow('at most 2048');
  });

  test('that has no place there is searched as ever', async () => {
    await buildApproximateIndex(directory, { factory: 'HNSW8' });
    const [here, there] = [await load(false), await load(true)];
    await expect(toDevice.mock.results[0]?.value).rejects.toThrow('FAISS_ENABLE_CUVS');
    const query = numbers(dimensions);
    expect(await there.search(query, 5, { efSearch: 50 })).toEqual(await here.search(query, 5, { efSearch: 50 }));
  });
});
