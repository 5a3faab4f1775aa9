import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32c } from '@ner-retriever/native';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NerRetrieverError } from '../../errors.js';
import type { Mention } from '../../mentions/mention.js';
import { newApproximateName, writeApproximateRecord } from '../approximate/approximate-record.js';
import { Catalog } from '../catalog/catalog.js';
import { documentFault, packDocument } from '../catalog/stored-document.js';
import { IndexFolder } from '../index-folder.js';
import type { IndexEntry } from '../index-writer.js';
import { segmentFiles } from '../segments/segment-files.js';
import { exportDocuments, exportVectors } from './export-index.js';
import type { VerifyProgress } from './index-verification.js';
import { verifyIndex } from './verify-index.js';

const dimensions = 4;
const model = { name: 'made-up', version: '1', fingerprint: 'sha256:abc', path: null };
const manifest = { model, dimensions, precision: 'int8' } as const;
const columns = (segment: number) => segmentFiles(directory, segment, 'int8', dimensions);
const catalog = () => join(directory, 'catalog.sqlite');

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verify-index-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

function entry(id: string, numbers: number[], text = `${id} has a text of some words`): IndexEntry {
  return {
    document: { id, text, metadata: { id, list: [1, null] } },
    content: Buffer.from(`${text} ${numbers}`),
    mentions: numbers.map((_, index) => ({ start: index, end: index + 1, text: text.slice(index, index + 1) })),
    vectors: Float32Array.from(numbers.flatMap((n) => [n, n + 1, n / 3, -n])),
  };
}

/** Documents with and without mentions, a deleted one and a replaced one, in two commits. */
async function make(): Promise<void> {
  await IndexFolder.create(directory, manifest);
  await write(async (writer) => {
    await writer.commit([entry('a', [1, 2]), entry('none', []), entry('b', [3]), entry('gone', [4, 5])]);
    await writer.commit([entry('b', [6, 7, 8]), entry('c', [9])]);
    writer.delete('gone');
  });
}

async function write(
  work: (writer: Awaited<ReturnType<IndexFolder['openWriter']>>) => Promise<unknown>,
): Promise<void> {
  const folder = await IndexFolder.open(directory);
  const writer = await folder.openWriter();
  await work(writer);
  await writer.close();
  folder.close();
}

/** Changes the catalog behind the index's back. */
function change(sql: string): void {
  const database = new Database(catalog());
  database.exec(sql);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

const reasons = async () => (await verifyIndex(directory)).problems.map(({ reason }) => reason);

/** Everything that can be read of an index; an error's code where it cannot be. */
async function dump(): Promise<string> {
  try {
    const all: unknown[] = [];
    for await (const { documents } of exportDocuments(directory)) all.push(documents);
    for await (const { vectors } of exportVectors(directory)) all.push([...vectors.data]);
    const folder = await IndexFolder.open(directory);
    all.push(folder.totals(), folder.manifest);
    for (const id of ['a', 'none', 'b', 'gone', 'c']) all.push(folder.catalog.find(id));
    for (const word of ['has', 'text', 'of', 'a', 'b', 'c', 'gone', 'none', 'words'])
      all.push(folder.catalog.findWords(word));
    folder.close();
    return JSON.stringify(all);
  } catch (error) {
    return NerRetrieverError.isInstance(error) ? error.code : `${error}`;
  }
}

describe('an index that is whole', () => {
  test('after adding, replacing, deleting and compacting', async () => {
    await make();
    expect(await verifyIndex(directory)).toMatchObject({
      whole: true,
      problems: [],
      problemCount: 0,
      uncounted: [],
      documents: 4,
      rows: 9,
      segments: 1,
    });
    await write((writer) => writer.compact({ signal: undefined, report: () => {} }));
    expect(await verifyIndex(directory)).toMatchObject({ whole: true, uncounted: [], documents: 4, rows: 6 });
  });

  test('an empty one, too', async () => {
    await IndexFolder.create(directory, manifest);
    expect(await verifyIndex(directory)).toMatchObject({ whole: true, documents: 0, rows: 0, segments: 0 });
  });

  test('says how far it is', async () => {
    await make();
    const steps: VerifyProgress[] = [];
    const { bytes } = await verifyIndex(directory, { onProgress: (step) => steps.push(step) });
    expect([...new Set(steps.map(({ part }) => part))]).toEqual(['vectors', 'documents', 'catalog']);
    expect(steps.map((step) => step.bytes)).toEqual(steps.map((step) => step.bytes).sort((a, b) => a - b));
    expect(steps.at(-1)).toMatchObject({ bytes, totalBytes: bytes });
  });

  test('what a kill left behind is named, and no damage', async () => {
    await make();
    const [file] = columns(1).map((column) => column.file) as [string];
    await appendFile(file, 'half a commit');
    await writeFile(columns(7)[0]?.file as string, 'half a compaction');
    const { whole, uncounted } = await verifyIndex(directory);
    expect(whole).toBe(true);
    expect(uncounted).toEqual([
      { file, reason: '13 bytes behind those that count' },
      { file: columns(7)[0]?.file, reason: 'a segment that does not count' },
    ]);
  });

  test('a writer that commits meanwhile is not held up and does not matter', async () => {
    await make();
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    let commits = 0;
    const { whole, documents } = await verifyIndex(directory, {
      onProgress: () => {
        if (commits === 0) writer.delete('a');
        commits += 1;
      },
    });
    expect([whole, documents]).toEqual([true, 4]);
    await writer.commit([entry('d', [1])]);
    await writer.close();
    folder.close();
    expect(await verifyIndex(directory)).toMatchObject({ whole: true, documents: 4 });
  });

  test('nor does a compaction, even one that takes the files away before they are opened', async () => {
    await make();
    const hold = Catalog.prototype.holdSnapshot;
    const spy = vi.spyOn(Catalog.prototype, 'holdSnapshot').mockImplementationOnce(function (this: Catalog) {
      hold.call(this);
      // Waited for: then the files of the state that is held are gone.
      return write((writer) => writer.compact({ signal: undefined, report: () => {} })) as unknown as undefined;
    });
    expect(await verifyIndex(directory)).toMatchObject({ problems: [], documents: 4, rows: 6 });
    expect(spy).toHaveBeenCalledTimes(2);
    spy.mockRestore();
  });
});

describe('damage', () => {
  test('any flipped byte of a segment is found, and the file is named', async () => {
    await make();
    for (const { file } of columns(1)) {
      const whole = await readFile(file);
      for (let at = 0; at < whole.length; at += 1) {
        const flipped = Buffer.from(whole);
        flipped[at] = (flipped[at] as number) ^ (1 << (at & 7));
        await writeFile(file, flipped);
        const { problems } = await verifyIndex(directory);
        expect(problems.map((problem) => problem.file)).toContain(file);
      }
      await writeFile(file, whole);
    }
    expect((await verifyIndex(directory)).whole).toBe(true);
  });

  /** Flips bits of the catalog one after the other. How many were found; the others must not have changed anything that can be read. */
  async function flipInCatalog(flips: readonly { at: number; bit: number }[]): Promise<number> {
    const whole = await readFile(catalog());
    const expected = await dump();
    let found = 0;
    for (const { at, bit } of flips) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] as number) ^ (1 << bit);
      await writeFile(catalog(), flipped);
      // Damage is not thrown.
      const { whole: isWhole } = await verifyIndex(directory);
      if (isWhole) expect(await dump(), `byte ${at}, bit ${bit}`).toBe(expected);
      else found += 1;
    }
    await writeFile(catalog(), whole);
    expect((await verifyIndex(directory)).whole).toBe(true);
    return found;
  }

  test('a flipped bit of the catalog is found, or changes nothing that can be read', async () => {
    await make();
    const { length } = await readFile(catalog());
    const rounds = 500;
    // Spread evenly, with the same places in every run.
    const flips = Array.from({ length: rounds }, (_, round) => ({
      at: Math.floor((round * length) / rounds) + (round % 7),
      bit: round % 8,
    }));
    expect(await flipInCatalog(flips)).toBeGreaterThan(rounds / 50);
  }, 120_000);

  test('so is one of the list by which words are looked up, which FTS5 itself does not check', async () => {
    await make();
    await write((writer) => writer.commit([entry('long', [1], 'word '.repeat(3000))]));
    const database = new Database(catalog());
    const pages = database.prepare('SELECT block FROM words_data WHERE id > 10').raw().all() as [Buffer][];
    database.close();
    const whole = await readFile(catalog());
    // It is at the end of each page.
    const flips = pages.flatMap(([page]) => {
      const end = whole.indexOf(page) + page.length;
      return Array.from({ length: 32 }, (_, index) => ({ at: end - 1 - (index >> 2), bit: (index * 3) % 8 }));
    });
    expect(await flipInCatalog(flips)).toBeGreaterThan(flips.length / 4);
  }, 120_000);

  test('files that are cut short or missing', async () => {
    await make();
    for (const { file, rowBytes } of columns(1)) {
      const whole = await readFile(file);
      await truncate(file, whole.length - 1);
      const reason = `it has ${whole.length - 1} bytes where the catalog counts on ${9 * rowBytes}`;
      expect((await verifyIndex(directory)).problems).toContainEqual({ file, reason });
      await rm(file);
      expect((await verifyIndex(directory)).problems).toContainEqual({ file, reason: 'it is missing' });
      await writeFile(file, whole);
    }
    const whole = await readFile(catalog());
    await truncate(catalog(), whole.length - 4096);
    expect((await verifyIndex(directory)).whole).toBe(false);
    await rm(catalog());
    expect(await reasons()).toEqual(['it is missing']);
    await writeFile(catalog(), whole);
    expect((await verifyIndex(directory)).whole).toBe(true);
  });

  test("SQLite's own findings, one by one", async () => {
    await make();
    const whole = await readFile(catalog());
    // The number of free pages, in the header.
    whole[39] = 7;
    await writeFile(catalog(), whole);
    const { problems } = await verifyIndex(directory);
    expect(problems).toEqual([{ file: catalog(), reason: 'Freelist: size is 0 but should be 7' }]);
  });

  test('a damaged manifest does not hide what else is wrong', async () => {
    await make();
    const file = join(directory, 'manifest.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('made-up', 'made-uq'));
    change("UPDATE documents SET text = CAST('another' AS BLOB) WHERE id = CAST('a' AS BLOB)");
    expect(await reasons()).toEqual([
      'its content and its checksum do not agree',
      'the record of document 1 was changed',
      'its full text and the documents do not agree',
    ]);
  });

  test.each([
    [
      'a record that is gone',
      'DELETE FROM documents WHERE ordinal = 6',
      /^rows 8 to 8 .* document 6, which is neither/,
    ],
    ['a death that is gone', 'DELETE FROM deaths WHERE document = 3', /^its records of deleted documents were changed/],
    ['a block that is gone', 'DELETE FROM blocks WHERE block = 2', /^it counts 9 rows and has 5/],
    ['a block that was changed', 'UPDATE blocks SET rows = 3 WHERE block = 2', /^the record of block 2 was changed/],
    ['a block without checksums', "UPDATE blocks SET checksums = x''", /^the record of block 1 was changed/],
    ['totals that were changed', 'UPDATE totals SET mentions = 7', /^its totals were changed/],
    ['evidence of another length', "UPDATE documents SET evidence = x'00'", /^the record of document 1 was changed/],
    [
      'full text of another text',
      "INSERT INTO words (rowid, text) VALUES (2, 'more')",
      /^its full text and the documents/,
    ],
  ])('%s', async (_, sql, expected) => {
    await make();
    change(sql);
    expect((await reasons()).some((reason) => expected.test(reason))).toBe(true);
  });

  test('records that are whole and do not fit together', async () => {
    await make();
    const folder = await IndexFolder.open(directory);
    const [first] = folder.catalog.documentRecords();
    folder.close();
    if (!first) throw new Error('there is a first document');
    const text = (first[7] as Buffer).toString('utf8');
    expect(documentFault(first)).toBeUndefined();
    const packed = (mentions: Mention[]) =>
      packDocument({ ordinal: 1, document: { id: 'a', text }, content: Buffer.from('x'), mentions });
    expect(documentFault(packed([{ start: 0, end: text.length + 1, text }]))).toMatch(
      /^has a mention 0–\d+ in a text of/,
    );
    expect(documentFault(packed([{ start: 2, end: 2, text }]))).toMatch(/^has a mention 2–2/);
  });

  test('an approximate index that is not what was written', async () => {
    await make();
    // What it holds does not matter here: FAISS may be missing.
    const content = Buffer.from('a FAISS file');
    const record = { factory: 'Flat', generation: 1, rows: 9, file: newApproximateName(), bytes: content.length };
    const file = join(directory, record.file);
    await writeFile(file, content);
    await writeApproximateRecord(directory, { ...record, checksum: crc32c(content) });
    expect(await reasons()).toEqual([]);
    await writeFile(file, 'a FAISS fill');
    expect((await verifyIndex(directory)).problems).toEqual([{ file, reason: 'it is not what was written' }]);
    await rm(file);
    expect((await verifyIndex(directory)).problems).toEqual([{ file, reason: 'it is missing' }]);
    await write((writer) => writer.compact({ signal: undefined, report: () => {} }));
    expect(await reasons()).toEqual([]);
  });

  test('a great many problems: the first hundred, and how many', async () => {
    await IndexFolder.create(directory, manifest);
    await write((writer) => writer.commit(Array.from({ length: 300 }, (_, number) => entry(`d${number}`, [number]))));
    change("UPDATE documents SET metadata = CAST('{}' AS BLOB)");
    const { problems, problemCount } = await verifyIndex(directory);
    expect(problems).toHaveLength(100);
    expect(problemCount).toBe(300);
  });
});

describe('what is no index', () => {
  test('is said, as everywhere', async () => {
    const codeOf = (work: Promise<unknown>) => work.then(String, (error: NerRetrieverError) => error.code);
    expect(await codeOf(verifyIndex(join(directory, 'nowhere')))).toBe('INDEX_NOT_FOUND');
    await writeFile(join(directory, 'thesis.tex'), 'years of work');
    expect(await codeOf(verifyIndex(directory))).toBe('NOT_AN_INDEX');
    expect(await codeOf(verifyIndex(''))).toBe('OPTION_INVALID');
    expect(await codeOf(verifyIndex(directory, { onprogress: () => {} } as never))).toBe('OPTION_UNKNOWN');
  });

  test('a signal ends it', async () => {
    await make();
    const work = verifyIndex(directory, { signal: AbortSignal.abort(new Error('enough')) });
    await expect(work).rejects.toThrow('enough');
  });
});
