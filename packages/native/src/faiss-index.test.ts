import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { randomFloats } from '../test/random-floats.mjs';
import { FaissIndex, type FaissSearchParameters, type FaissSearchResult } from './faiss-index.js';
import { info } from './info.js';
import { VectorIndex } from './vector-index.js';

const { available, version, reason } = info().faiss;

test('FAISS that cannot be loaded says why', () => {
  if (available) {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(reason).toBeNull();
  } else {
    expect(reason).toMatch(/install/);
    expect(() => FaissIndex.create({ factory: 'Flat', dimensions: 3 })).toThrow(reason as string);
  }
});

const dimensions = 16;
const rowCount = 2000;
const limit = 10;

/** `[count, dimensions]` of length one around 40 centres. */
function clusteredRows(count: number, seed: number): Float32Array {
  const centres = randomFloats(40 * dimensions, 1);
  const rows = randomFloats(count * dimensions, seed);
  for (let row = 0; row < count; row++) {
    const values = rows.subarray(row * dimensions, (row + 1) * dimensions);
    const centre = ((row * 7919) % 40) * dimensions;
    for (let i = 0; i < dimensions; i++) values[i] = 0.5 * (values[i] as number) + (centres[centre + i] as number);
    const length = Math.hypot(...values);
    for (let i = 0; i < dimensions; i++) values[i] = (values[i] as number) / length;
  }
  return rows;
}

const rows = clusteredRows(rowCount, 2);
const queries = clusteredRows(30, 3);

async function filled(factory: string): Promise<FaissIndex> {
  const index = FaissIndex.create({ factory, dimensions, threads: 1 });
  if (!index.isTrained) await index.train(rows);
  await index.add(rows);
  return index;
}

describe.runIf(available)('FAISS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ner-retriever-faiss-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  async function exact(): Promise<Uint32Array> {
    const index = new VectorIndex({ dimensions, threads: 1 });
    await index.add(rows);
    return (await index.search(queries, limit)).rows;
  }

  function recall(found: FaissSearchResult, expected: Uint32Array): number {
    let hits = 0;
    for (const [query, count] of found.counts.entries()) {
      const best = new Set(expected.subarray(query * limit, (query + 1) * limit));
      for (const row of found.rows.subarray(query * limit, query * limit + count)) hits += best.has(row) ? 1 : 0;
    }
    return hits / expected.length;
  }

  test.each<[string, FaissSearchParameters, FaissSearchParameters, number]>([
    ['HNSW8', { efSearch: 2 }, { efSearch: 200 }, 0.95],
    ['IVF32,Flat', { nprobe: 1 }, { nprobe: 32 }, 1],
    ['IVF32,SQ8', { nprobe: 1 }, { nprobe: 32 }, 0.9],
    ['IVF32,PQ8x4fs,RFlat', { nprobe: 1, refineFactor: 1 }, { nprobe: 32, refineFactor: 40 }, 0.9],
  ])('%s: recall rises with its parameters, and its file answers as it does', async (factory, narrow, wide, least) => {
    const index = await filled(factory);
    expect(index.size).toBe(rowCount);
    const expected = await exact();
    const little = await index.search(queries, limit, narrow);
    const much = await index.search(queries, limit, wide);
    expect(recall(much, expected)).toBeGreaterThanOrEqual(least);
    expect(recall(much, expected)).toBeGreaterThan(recall(little, expected));
    for (let query = 0; query < 30; query++) {
      const scores = much.scores.subarray(query * limit, query * limit + (much.counts[query] as number));
      expect([...scores]).toEqual([...scores].sort((a, b) => b - a));
    }

    const file = join(folder, 'index.faiss');
    await index.write(file);
    const again = await FaissIndex.read(file, { threads: 1 });
    expect([again.dimensions, again.size, again.isTrained]).toEqual([dimensions, rowCount, true]);
    expect(await again.search(queries, limit, narrow)).toEqual(little);
    expect(await again.search(queries, limit, wide)).toEqual(much);
  });

  test('calls at once: changes in the order of their calls, a search sees those before it, each with its own parameters', async () => {
    const index = FaissIndex.create({ factory: 'IVF32,PQ8x4fs', dimensions, threads: 1 });
    const half = (rowCount / 2) * dimensions;
    const calls = [index.train(rows), index.add(rows.subarray(0, half))];
    const early = index.search(queries, limit, { nprobe: 32 });
    calls.push(index.add(rows.subarray(half)));
    const late = [1, 32, 1, 32, 4, 32].map((nprobe) => index.search(queries, limit, { nprobe }));
    await Promise.all(calls);
    expect(Math.max(...(await early).rows)).toBeLessThan(rowCount / 2);
    const found = await Promise.all(late);
    expect(Math.max(...(found[1] as FaissSearchResult).rows)).toBeGreaterThan(rowCount / 2);
    expect(found[0]).toEqual(found[2]);
    expect(found[1]).toEqual(found[3]);
    expect(found[1]).toEqual(found[5]);
    expect(found[0]).not.toEqual(found[1]);
    expect(await index.search(queries, limit)).toEqual(found[0]);
  });

  test('equal scores go by lower row, NaN is left out, and counts say so', async () => {
    const index = FaissIndex.create({ factory: 'Flat', dimensions: 2 });
    expect(await index.search(new Float32Array(4), 3)).toEqual({
      limit: 0,
      scores: new Float32Array(0),
      rows: new Uint32Array(0),
      counts: new Uint32Array(2),
    });
    await index.add(Float32Array.of(NaN, 0, 1, 0, 2, 0, 1, 5, 2, 7));
    const found = await index.search(Float32Array.of(1, 0), 9);
    expect(found.limit).toBe(5);
    expect([...found.counts]).toEqual([4]);
    expect([...found.rows.subarray(0, 4)]).toEqual([2, 4, 1, 3]);
    expect([...found.scores.subarray(0, 4)]).toEqual([2, 2, 1, 1]);
  });

  test('fewer rows than asked for are counted', async () => {
    const found = await (await filled('IVF32,Flat')).search(queries, rowCount, { nprobe: 1 });
    for (const count of found.counts) {
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThan(rowCount);
    }
  });

  test('wrong arguments are refused, and the index goes on working', async () => {
    const create = (options: object) => FaissIndex.create({ factory: 'Flat', dimensions: 4, ...options } as never);
    expect(() => create({ factory: 'HNSWx' })).toThrow(RangeError);
    expect(() => create({ factory: 'HNSWx' })).toThrow(
      "such as 'HNSW32', 'IVF4096,SQ8' or 'IVF4096,PQ64x4fs,RFlat', got 'HNSWx'",
    );
    expect(() => create({ factory: 'PQ3' })).toThrow("for 4 dimensions, got 'PQ3'");
    expect(() => create({ factory: 3 })).toThrow(TypeError);
    expect(() => create({ dimensions: 0 })).toThrow(RangeError);
    expect(() => create({ nprobe: 1 })).toThrow("factory, dimensions, threads, got 'nprobe'");

    const index = FaissIndex.create({ factory: 'IVF4,Flat', dimensions: 4, threads: 1 });
    await expect(index.add(new Float32Array(4))).rejects.toThrow('expected a trained index');
    await expect(index.train(new Float32Array(3))).rejects.toThrow('expected sample to be a whole number of rows of 4');
    await expect(index.train(new Float32Array(8))).rejects.toMatchObject({ code: 'FAISS_FAILED' });
    await expect(index.train(new Float32Array(16).fill(NaN))).rejects.toMatchObject({ code: 'FAISS_FAILED' });
    await index.train(randomFloats(400, 1));
    await index.add(randomFloats(400, 1));
    await expect(index.train(randomFloats(400, 1))).rejects.toThrow('without rows');
    await expect(index.search(new Float32Array(3), 1)).rejects.toThrow(RangeError);
    for (const wrong of [0, -1, 1.5, Number.NaN]) {
      await expect(index.search(new Float32Array(4), wrong)).rejects.toThrow(RangeError);
      await expect(index.search(new Float32Array(4), 1, { nprobe: wrong })).rejects.toThrow('nprobe to be an integer');
    }
    await expect(index.search(new Float32Array(4), 1, { efSearch: 5 })).rejects.toThrow(
      'this index is no graph (HNSW)',
    );
    await expect(index.search(new Float32Array(4), 1, { refineFactor: 5 })).rejects.toThrow('no refinement (RFlat)');
    await expect(index.search(new Float32Array(4), 1, { probes: 5 } as never)).rejects.toThrow("got 'probes'");
    expect((await index.search(new Float32Array(4), 1)).limit).toBe(1);
    await expect(index.write(join(folder, 'nowhere', 'index.faiss'))).rejects.toMatchObject({
      code: 'FAISS_FAILED',
      message: expect.stringContaining('No such file'),
    });
  });

  test('files that are missing, cut off, changed or of another metric are refused', async () => {
    const refused = async (bytes: Uint8Array, words: string) => {
      const file = join(folder, 'refused.faiss');
      writeFileSync(file, bytes);
      await expect(FaissIndex.read(file)).rejects.toMatchObject({
        code: 'FAISS_FAILED',
        message: expect.stringContaining(words),
      });
    };
    await expect(FaissIndex.read(join(folder, 'missing'))).rejects.toMatchObject({ code: 'FAISS_FAILED' });
    await expect(FaissIndex.read(join(folder, 'missing'), { thread: 1 } as never)).rejects.toThrow(TypeError);
    await refused(new Uint8Array(0), 'too short');
    await refused(new TextEncoder().encode('this is no index of FAISS'), 'expected a Flat, SQ, PQ, HNSW or IVF index');

    const file = join(folder, 'whole.faiss');
    await (await filled('HNSW8')).write(file);
    const whole = readFileSync(file);
    expect(statSync(file).size).toBeGreaterThan(rowCount * dimensions * 4);
    for (let length = 4; length < whole.length; length += 9973) await refused(whole.subarray(0, length), 'too short');
    await refused(Buffer.concat([whole, Buffer.of(0)]), 'expected the end of the file');
    const l2 = Buffer.from(whole);
    l2.writeInt32LE(1, 4 + 4 + 8 + 16 + 1);
    await refused(l2, 'expected an index by inner product (metric 0), got metric 1, L2');
  });
});
