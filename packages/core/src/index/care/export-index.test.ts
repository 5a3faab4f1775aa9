import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NerRetrieverError } from '../../errors.js';
import { IndexFolder } from '../index-folder.js';
import type { IndexEntry, IndexWriter } from '../index-writer.js';
import { segmentFiles } from '../segments/segment-files.js';
import { compactIndex } from './compact-index.js';
import { exportDocuments, exportVectors } from './export-index.js';
import { readIndexInfo } from './index-info.js';

const dimensions = 4;
const model = { name: 'made-up', version: '1', fingerprint: 'sha256:abc', path: '/gone' };
const manifest = { model, dimensions, precision: 'float32' } as const;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'export-index-'));
  await IndexFolder.create(directory, manifest);
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

function entry(id: string, numbers: number[]): IndexEntry {
  const text = `🦖 ${id} has a text`;
  return {
    document: { id, text, mentions: [{ start: 90, end: 99 }], metadata: { of: id } },
    content: Buffer.from(`${text} ${numbers}`),
    mentions: numbers.map((_, index) => ({ start: index + 3, end: index + 5, text: '', score: 0.5 })),
    vectors: Float32Array.from(numbers.flatMap((n) => [n, n, n, n])),
  };
}

async function write(work: (writer: IndexWriter) => Promise<unknown>): Promise<void> {
  const folder = await IndexFolder.open(directory);
  const writer = await folder.openWriter();
  await work(writer);
  await writer.close();
  folder.close();
}

async function exported() {
  const documents = [];
  const rows: number[] = [];
  for await (const some of exportDocuments(directory)) documents.push(...some.documents);
  for await (const { vectors } of exportVectors(directory)) {
    expect(vectors).toMatchObject({ columns: dimensions, rows: vectors.data.length / dimensions });
    for (let row = 0; row < vectors.rows; row += 1) rows.push(vectors.data[row * dimensions] as number);
  }
  return { documents, rows };
}

const codeOf = (work: Promise<unknown>) => work.then(String, (error: NerRetrieverError) => error.code);

test('documents with the mentions that have vectors, and the vectors, in one order', async () => {
  await write(async (writer) => {
    await writer.commit([entry('a', [1, 2]), entry('none', []), entry('b', [3]), entry('gone', [4])]);
    await writer.commit([entry('a', [5]), entry('c', [6, 7])]);
    writer.delete('gone');
  });
  const { documents, rows } = await exported();
  expect(documents.map(({ id, mentions }) => [id, mentions.length])).toEqual([
    ['none', 0],
    ['b', 1],
    ['a', 1],
    ['c', 2],
  ]);
  expect(rows).toEqual([3, 5, 6, 7]);
  expect(documents.at(-1)).toEqual({
    id: 'c',
    text: '🦖 c has a text',
    mentions: [
      { start: 3, end: 5 },
      { start: 4, end: 6 },
    ],
    metadata: { of: 'c' },
  });
});

test('an index without documents', async () => {
  expect(await exported()).toEqual({ documents: [], rows: [] });
});

test('more documents than are read at once, and more rows', async () => {
  const entries = Array.from({ length: 500 }, (_, number) => entry(`d${number}`, [number]));
  await write((writer) => writer.commit(entries));
  const { documents, rows } = await exported();
  expect(documents.map(({ id }) => id)).toEqual(entries.map(({ document }) => document.id));
  expect(rows).toEqual(entries.map((_, number) => number));
});

test('what is committed meanwhile does not matter', async () => {
  await write((writer) => writer.commit(Array.from({ length: 200 }, (_, number) => entry(`d${number}`, [number]))));
  const documents = exportDocuments(directory);
  const first = await documents.next();
  await write(async (writer) => {
    writer.delete('d199');
    await writer.commit([entry('late', [1])]);
    await writer.compact({ signal: undefined, report: () => {} });
  });
  const ids = first.value?.documents.map(({ id }) => id) ?? [];
  for await (const some of documents) ids.push(...some.documents.map(({ id }) => id));
  expect(ids).toEqual(Array.from({ length: 200 }, (_, number) => `d${number}`));
});

test('documents come out of an index whose vectors are damaged or gone', async () => {
  await write((writer) => writer.commit([entry('a', [1])]));
  for (const { file } of segmentFiles(directory, 1, 'float32', dimensions)) await rm(file);
  const { value } = await exportDocuments(directory).next();
  expect(value).toMatchObject({ totalDocuments: 1, documents: [{ id: 'a' }] });
  expect(await codeOf(exportVectors(directory).next())).toBe('INDEX_DAMAGED');
});

test('what is no index, and what is misspelled', async () => {
  const nowhere = join(directory, 'nowhere');
  for (const exporting of [exportDocuments, exportVectors]) {
    expect(await codeOf(exporting(nowhere).next())).toBe('INDEX_NOT_FOUND');
    expect(await codeOf(exporting(directory, { singal: 1 } as never).next())).toBe('OPTION_UNKNOWN');
  }
  expect(await codeOf(compactIndex(nowhere))).toBe('INDEX_NOT_FOUND');
  expect(await codeOf(compactIndex(directory, { onProgress: 1 as never }))).toBe('OPTION_INVALID');
  expect(await codeOf(readIndexInfo(nowhere))).toBe('INDEX_NOT_FOUND');
});

describe('looking after an index needs no model', () => {
  test('compacting gives back what readIndexInfo says', async () => {
    const text = 'a text that takes some room '.repeat(500);
    const large = (id: string, number: number): IndexEntry => ({ ...entry(id, [number]), document: { id, text } });
    const rounds = Array.from({ length: 100 }, (_, number) => number);
    await write((writer) => writer.commit(rounds.map((number) => large(`d${number}`, number))));
    await write(async (writer) => {
      for (const number of rounds) if (number % 4 !== 0) writer.delete(`d${number}`);
    });
    const before = await readIndexInfo(directory);
    expect(before).toMatchObject({
      documents: 25,
      mentions: 25,
      deadRows: 75,
      segments: 1,
      model: { directory: '/gone' },
    });
    expect(before.reclaimableBytes).toBeGreaterThan(75 * (dimensions * 4 + 4));
    expect(before.vectorBytes + before.catalogBytes).toBeLessThanOrEqual(before.bytes);
    const steps: number[] = [];
    const summary = await compactIndex(directory, {
      onProgress: ({ rows, totalRows }) => steps.push(rows / totalRows),
    });
    expect(summary).toMatchObject({ removedRows: 75, movedRows: 25 });
    expect(steps.at(-1)).toBe(1);
    const after = await readIndexInfo(directory);
    expect(after).toMatchObject({ documents: 25, mentions: 25, deadRows: 0, reclaimableBytes: 0 });
    expect(summary.freedBytes).toBeGreaterThanOrEqual(before.reclaimableBytes);
    expect(after.bytes).toBeLessThan(before.bytes);
    expect(await compactIndex(directory)).toMatchObject({ removedRows: 0, movedRows: 0 });
  });

  test('a signal leaves the index as it was', async () => {
    await write(async (writer) => {
      await writer.commit([entry('a', [1]), entry('b', [2])]);
      writer.delete('a');
    });
    const manifestBefore = await readFile(join(directory, 'manifest.json'));
    const stopped = compactIndex(directory, { signal: AbortSignal.abort(new Error('enough')) });
    await expect(stopped).rejects.toThrow('enough');
    expect(await readIndexInfo(directory)).toMatchObject({ documents: 1, deadRows: 1 });
    expect(await readFile(join(directory, 'manifest.json'))).toEqual(manifestBefore);
  });
});
