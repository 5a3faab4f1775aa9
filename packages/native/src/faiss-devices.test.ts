import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { randomFloats } from '../test/random-floats.mjs';
import { FaissIndex } from './faiss-index.js';

// The FAISS library whose GPUs lie in the host's memory, built with the tests of native/.
const standIn = fileURLToPath(
  new URL('../../../native/build-release/faiss/ner_retriever_faiss_stand_in.so', import.meta.url),
);
const isBuilt = existsSync(standIn);
if (isBuilt) process.env.NER_RETRIEVER_FAISS_LIBRARY = standIn;
else console.warn(`FAISS on GPUs: not tested here, ${standIn} is not built`);

const dimensions = 8;
const rows = randomFloats(500 * dimensions, 1);
const queries = randomFloats(5 * dimensions, 2);

describe.runIf(isBuilt)('a copy on GPUs', () => {
  test('is seen, searched, changed and copied back, and the index stays what it was', async () => {
    expect(FaissIndex.devices()).toEqual({ count: 2, reason: null });
    const index = FaissIndex.create({ factory: 'IVF8,Flat', dimensions, threads: 1 });
    await index.train(rows);
    const adding = index.add(rows);
    const copying = index.toDevice(); // has the rows that were asked for before
    await adding;
    const copy = await copying;
    expect(copy.size).toBe(500);
    expect(await copy.search(queries, 3, { nprobe: 8 })).toEqual(await index.search(queries, 3, { nprobe: 8 }));

    await copy.add(rows.subarray(0, 10 * dimensions));
    const back = await copy.toHost();
    expect([index.size, copy.size, back.size]).toEqual([500, 510, 510]);
    await expect(back.toHost()).rejects.toThrow('expected an index on a GPU');
  });

  test('is shared out among several', async () => {
    const index = FaissIndex.create({ factory: 'Flat', dimensions, threads: 1 });
    await index.add(rows);
    const copy = await index.toDevice({ devices: [0, 1], temporaryMemory: 1 << 20, float16: true });
    expect(Array.from((await copy.search(queries, 3)).rows)).toEqual(Array.from((await index.search(queries, 3)).rows));
    await expect(copy.add(rows)).rejects.toThrow(RangeError);
  });

  test('wrong options are refused, and the index goes on working', async () => {
    const index = FaissIndex.create({ factory: 'Flat', dimensions, threads: 1 });
    await index.add(rows);
    await expect(index.toDevice({ device: 1 } as never)).rejects.toThrow(
      "expected options of FaissIndex.toDevice to be devices, temporaryMemory, float16, got 'device'",
    );
    await expect(index.toDevice({ devices: [0.5] })).rejects.toThrow('whole numbers from 0, got 0.5');
    await expect(index.toDevice({ devices: [2] })).rejects.toThrow('expected GPUs 0 to 1, got 2');
    await expect(index.toDevice({ temporaryMemory: 8 * 2 ** 30 })).rejects.toMatchObject({
      code: 'FAISS_FAILED',
      message: expect.stringMatching(/free bytes on GPU 0 .* got 2147483648\. Share the index out/),
    });
    expect((await index.search(queries, 1)).counts[0]).toBe(1);
  });
});
