import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  buildApproximateIndex,
  exportFaiss,
  importApproximateIndex,
  measureApproximateIndex,
  NerRetrieverError,
  readIndexInfo,
  removeApproximateIndex,
} from '@ner-retriever/core';
import { info } from '@ner-retriever/native';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { IndexFolder } from '../index/index-folder.js';
import type { IndexWriter } from '../index/index-writer.js';
import { Searcher } from './searcher.js';

const dimensions = 16;
const noProgress = { signal: undefined, report: () => {} };

let directory: string;
let folder: IndexFolder;
let writer: IndexWriter;
let random: () => number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'approximate-'));
  const model = { name: 'm', version: '1', fingerprint: 'f', path: null };
  await IndexFolder.create(directory, { model, dimensions, precision: 'int8' });
  folder = await IndexFolder.open(directory);
  writer = await folder.openWriter();
  random = randomNumbers(5);
});

afterEach(async () => {
  await writer.close();
  folder.close();
  await rm(directory, { recursive: true });
});

function unit(): Float32Array {
  const values = Float32Array.from({ length: dimensions }, () => random() - 0.5);
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

/** Documents of one to three mentions; one in fifty has two hundred. */
async function add(first: number, count: number): Promise<void> {
  await writer.commit(
    Array.from({ length: count }, (_, index) => {
      const id = `d${first + index}`;
      const rows = index % 50 === 7 ? 200 : 1 + Math.floor(random() * 3);
      return {
        document: { id, text: `text of ${id}` },
        content: Buffer.from(`${id} ${random()}`),
        mentions: Array.from({ length: rows }, (_, row) => ({ start: row % 5, end: (row % 5) + 1, text: '' })),
        vectors: Float32Array.from(Array.from({ length: rows }, () => [...unit()]).flat()),
      };
    }),
  );
}

/** Ids and scores of the exact search and of the approximate one. */
async function both(limit = 10) {
  const searcher = new Searcher(folder);
  const queries = { rows: 3, columns: dimensions, data: Float32Array.from([...unit(), ...unit(), ...unit()]) };
  const brief = async (options: Parameters<Searcher['search']>[2]) =>
    (await searcher.search(queries, limit, options)).map(({ hits }) => hits.map(({ id, score }) => ({ id, score })));
  return { exact: await brief({}), approximate: await brief({ approximate: {} }) };
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(NerRetrieverError.isInstance(error), String(error)).toBe(true);
  return (error as NerRetrieverError).code;
}

test('where none was built, the next step is named', async () => {
  await add(0, 10);
  expect(
    await codeOf(new Searcher(folder).search({ rows: 1, columns: dimensions, data: unit() }, 3, { approximate: {} })),
  ).toBe('APPROXIMATE_MISSING');
  expect((await readIndexInfo(directory)).approximate).toBeNull();
});

describe.skipIf(!info().faiss.available)('with FAISS', () => {
  test('one that looks at every row answers as the exact search does: documents once, by exact scores', async () => {
    await add(0, 300);
    for (const id of ['d3', 'd57', 'd200']) writer.delete(id);
    await buildApproximateIndex(directory, { factory: 'Flat' });
    for (const limit of [1, 10, 100]) {
      const { exact, approximate } = await both(limit);
      expect(approximate).toEqual(exact);
    }
  });

  test('what came after it was built is found, what went is not', async () => {
    await add(0, 200);
    await buildApproximateIndex(directory, { factory: 'Flat' });
    await add(150, 100); // replaces fifty
    writer.delete('d10');
    const { exact, approximate } = await both(40);
    expect(approximate).toEqual(exact);
    expect(approximate.flat().some(({ id }) => Number(id.slice(1)) >= 200)).toBe(true);
    expect((await readIndexInfo(directory)).approximate).toMatchObject({ factory: 'Flat', isCurrent: true });
  });

  test('after a compaction every row is looked at, and the room is given back', async () => {
    await add(0, 100);
    await buildApproximateIndex(directory, { factory: 'Flat' });
    writer.delete('d1');
    await writer.compact(noProgress);
    const { exact, approximate } = await both();
    expect(approximate).toEqual(exact);
    expect((await readIndexInfo(directory)).approximate).toMatchObject({ isCurrent: false, bytes: 0 });
    expect((await readdir(directory)).filter((name) => name.endsWith('.faiss'))).toEqual([]);
    expect(await codeOf(measureApproximateIndex(directory))).toBe('APPROXIMATE_MISSING');
  });

  test('recall is measured against the exact scan, and rises with what is looked at', async () => {
    await add(0, 2000);
    await buildApproximateIndex(directory, { factory: 'IVF64,Flat' });
    const recall = async (nprobe: number) =>
      (await measureApproximateIndex(directory, { queries: 40, limit: 10, approximate: { nprobe } })).recall;
    const [little, much, all] = [await recall(1), await recall(16), await recall(64)];
    expect(little).toBeLessThan(much);
    expect(much).toBeLessThan(1);
    expect(all).toBe(1);
  });

  test('one of another maker is taken if it can be one of this index', async () => {
    await add(0, 50);
    const file = join(directory, 'made-elsewhere');
    await exportFaiss(directory, file, { factory: 'HNSW8' });
    expect(await importApproximateIndex(directory, file)).toMatchObject({ factory: null });
    const { exact, approximate } = await both(5);
    expect(approximate).toEqual(exact);
    await writeFile(file, 'no FAISS file');
    expect(await codeOf(importApproximateIndex(directory, file))).toBe('FAISS_FAILED');
    const larger = await mkdtemp(join(tmpdir(), 'other-'));
    const model = { name: 'm', version: '1', fingerprint: 'f', path: null };
    await IndexFolder.create(larger, { model, dimensions, precision: 'float32' });
    await exportFaiss(directory, file, { factory: 'Flat' });
    expect(await codeOf(importApproximateIndex(larger, file))).toBe('FAISS_FILE_OTHER');
    await rm(larger, { recursive: true });
  });

  test('a damaged file or record is found before FAISS sees it', async () => {
    await add(0, 50);
    await buildApproximateIndex(directory, { factory: 'HNSW8' });
    const [name] = (await readdir(directory)).filter((each) => each.endsWith('.faiss')) as [string];
    for (const file of [join(directory, name), join(directory, 'approximate.json')]) {
      const whole = await readFile(file);
      for (let round = 0; round < 40; round += 1) {
        const damaged = Buffer.from(whole);
        const at = Math.floor(random() * damaged.length);
        damaged[at] = (damaged[at] as number) ^ (1 << Math.floor(random() * 8));
        await writeFile(file, round % 4 === 0 ? whole.subarray(0, at) : damaged);
        expect(await codeOf(both())).toBe('INDEX_DAMAGED');
      }
      await writeFile(file, whole);
    }
    expect((await both(5)).approximate.map((hits) => hits.length)).toEqual([5, 5, 5]);
  });

  test('a factory string that FAISS does not know, a stop, and removal', async () => {
    await add(0, 50);
    expect(await codeOf(buildApproximateIndex(directory, { factory: 'NSW' }))).toBe('FAISS_FAILED');
    const stopped = buildApproximateIndex(directory, {
      factory: 'Flat',
      signal: AbortSignal.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
    expect((await readdir(directory)).filter((name) => name.startsWith('approximate'))).toEqual([]);
    expect(await removeApproximateIndex(directory)).toBe(false);
    await buildApproximateIndex(directory, { factory: 'Flat' });
    expect(await removeApproximateIndex(directory)).toBe(true);
    expect((await readdir(directory)).filter((name) => name.startsWith('approximate'))).toEqual([]);
  });
});
