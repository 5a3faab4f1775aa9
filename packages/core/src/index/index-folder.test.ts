import { spawn } from 'node:child_process';
import { appendFile, cp, mkdir, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NerRetrieverError } from '../errors.js';
import { IndexFolder } from './index-folder.js';
import type { IndexEntry } from './index-writer.js';
import { segmentFiles } from './segment-files.js';

const dimensions = 4;
const model = { name: 'made-up', version: '1', fingerprint: 'sha256:abc', path: null };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'index folder ü%20'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** A document with one mention a number; mention `i` has the vector [n, n, n, n]. */
function entry(id: string, numbers: number[], text = `${id} has a text`): IndexEntry {
  return {
    document: { id, text },
    content: Buffer.from(`${text} ${numbers}`),
    mentions: numbers.map((_, index) => ({ start: index, end: index + 1, text: text.slice(index, index + 1) })),
    vectors: Float32Array.from(numbers.flatMap((n) => [n, n, n, n])),
  };
}

async function make(...commits: IndexEntry[][]): Promise<void> {
  await IndexFolder.create(directory, model, dimensions);
  await add(...commits);
}

async function add(...commits: IndexEntry[][]): Promise<void> {
  const folder = await IndexFolder.open(directory);
  const writer = await folder.openWriter();
  for (const entries of commits) await writer.commit(entries);
  await writer.close();
  folder.close();
}

/** Everything an index says, read and checked: rows with the ids of their documents (null: dead). */
async function dump(): Promise<{ id: string | null; vector: number[]; start: number | undefined }[]> {
  const folder = await IndexFolder.open(directory);
  const reader = folder.blockReader();
  try {
    const rows = [];
    for (const block of folder.catalog.blocksAfter(0)) {
      const { vectors, documents } = await reader.read(block);
      for (const [index, ordinal] of documents.entries()) {
        rows.push({
          id: folder.catalog.document(ordinal)?.document.id ?? null,
          vector: [...vectors.subarray(index * dimensions, (index + 1) * dimensions)],
          start: folder.catalog.document(ordinal)?.mention(block.firstRow + index)?.start,
        });
      }
    }
    return rows;
  } finally {
    await reader.close();
    folder.close();
  }
}

async function failure(work: Promise<unknown>): Promise<NerRetrieverError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NerRetrieverError);
  return error as NerRetrieverError;
}

describe('save and load', () => {
  test('what was committed is what is read, row for row', async () => {
    await make([entry('a', [1, 2]), entry('none', []), entry('b', [3])], [entry('c', [4])]);
    expect(await dump()).toEqual([
      { id: 'a', vector: [1, 1, 1, 1], start: 0 },
      { id: 'a', vector: [2, 2, 2, 2], start: 1 },
      { id: 'b', vector: [3, 3, 3, 3], start: 0 },
      { id: 'c', vector: [4, 4, 4, 4], start: 0 },
    ]);
  });

  test('documents come back as they were given, whatever characters they hold', async () => {
    const document = {
      id: 'ünïcode 🦖',
      text: "nul \0, quote ', line\nbreak, 🏴󠁧󠁢󠁳󠁣󠁴󠁿, e\u0301 and a text that goes on",
      mentions: [
        { start: 5, end: 3 },
        { start: 0, end: 3 },
        { start: 0, end: 3 },
      ],
      metadata: { nul: '\0', nested: { list: [1, 2.5, null, true] } },
    };
    await make([{ document, content: Buffer.from('x'), mentions: [], vectors: new Float32Array() }]);
    const folder = await IndexFolder.open(directory);
    expect(folder.catalog.document(1)?.document).toEqual(document);
    expect(folder.catalog.totals()).toEqual({ documents: 1, mentions: 0, rows: 0 });
    folder.close();
  });

  test('an id that comes again is replaced: its old rows are dead, its ordinal is not used again', async () => {
    await make([entry('a', [1]), entry('b', [2])], [entry('a', [3, 4])]);
    expect((await dump()).map(({ id, vector }) => [id, vector[0]])).toEqual([
      [null, 1],
      ['b', 2],
      ['a', 3],
      ['a', 4],
    ]);
    const folder = await IndexFolder.open(directory);
    expect(folder.catalog.totals()).toEqual({ documents: 2, mentions: 3, rows: 4 });
    expect(folder.catalog.find('a')?.ordinal).toBe(3);
    expect(folder.catalog.deathsAfter(0)).toEqual([{ death: 1, ordinal: 1 }]);
    folder.close();
  });

  test('a deleted document is gone, and the same content may come again', async () => {
    await make([entry('a', [1]), entry('b', [2])]);
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    expect(writer.delete('a')).toBe(true);
    expect(writer.delete('a')).toBe(false);
    expect(writer.holds('a', entry('a', [1]).content)).toBe(false);
    expect(writer.holds('b', entry('b', [2]).content)).toBe(true);
    await writer.commit([entry('a', [1])]);
    await writer.close();
    expect(folder.catalog.totals()).toEqual({ documents: 2, mentions: 2, rows: 3 });
    folder.close();
  });
});

describe('full text', () => {
  /** Every word that the full text knows, with the documents and places that hold it, after a check of its own structure. */
  function words(): unknown[] {
    const database = new Database(join(directory, 'catalog.sqlite'));
    database.exec("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)");
    database.exec("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'words', 'instance')");
    const rows = database.prepare('SELECT term, doc, offset FROM temp.vocabulary ORDER BY 1, 2, 3').raw().all() as [];
    database.close();
    return rows;
  }

  test('what is replaced or deleted leaves no word behind', async () => {
    await make([entry('a', [1], 'old words \0 after'), entry('b', [2], 'Bones')], [entry('a', [1], 'new bone')]);
    expect(words()).toEqual([
      ['bone', 2, 0],
      ['bone', 3, 1],
      ['new', 3, 0],
    ]);
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    writer.delete('a');
    writer.delete('b');
    await writer.close();
    expect(words()).toEqual([]);
    await add([entry('b', [2], 'Bones')]);
    expect(words()).toEqual([['bone', 4, 0]]);
    expect(folder.catalog.findWords('bone')).toEqual([4]);
    folder.close();
  });

  test('a commit that fails leaves none either', async () => {
    await make([entry('a', [1], 'first')]);
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    const broken = { ...entry('c', [3]), content: null as unknown as Uint8Array };
    await failure(writer.commit([entry('a', [2], 'second'), entry('b', [2], 'third'), broken]));
    await writer.close();
    folder.close();
    expect(words()).toEqual([['first', 1, 0]]);
  });

  test('an index of the first version gets it whole from the next writer, once', async () => {
    await cp(fileURLToPath(new URL('fixtures/first-version', import.meta.url)), directory, { recursive: true });
    await add();
    const upgraded = words();
    expect(upgraded).toContainEqual(['dinosaur', 7, 2]);
    const bytes = await readFile(join(directory, 'catalog.sqlite'));
    await add();
    expect(await readFile(join(directory, 'catalog.sqlite'))).toEqual(bytes);
  });

  test('a version that knows nothing of it keeps it up to date all the same', async () => {
    await make([entry('a', [1], 'dinosaur')]);
    const database = new Database(join(directory, 'catalog.sqlite'));
    // What the first version runs to add a document and to take one out.
    const columns = 'ordinal, id, content, first_row, rows, mentions, metadata, evidence, text, checksum';
    const utf8 = (text: string) => Buffer.from(text);
    database
      .prepare(`INSERT INTO documents (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
      .run([2, utf8('b'), utf8('digest'), 1, 0, null, null, utf8(''), utf8('an opera'), 0]);
    database.prepare('DELETE FROM documents WHERE ordinal = ?').run([1]);
    database.close();
    expect(words()).toEqual([
      ['an', 2, 0],
      ['opera', 2, 1],
    ]);
  });
});

describe('the folder', () => {
  test('a missing or empty directory has no index yet', async () => {
    expect(await IndexFolder.inspect(join(directory, 'missing'))).toBeNull();
    expect(await IndexFolder.inspect(directory)).toBeNull();
    expect((await failure(IndexFolder.open(directory))).code).toBe('INDEX_NOT_FOUND');
  });

  test('a directory with other things in it, or a file, is refused and left as it is', async () => {
    await writeFile(join(directory, 'thesis.tex'), 'years of work');
    const error = await failure(IndexFolder.inspect(directory));
    expect(error.code).toBe('NOT_AN_INDEX');
    expect(error.message).toContain('thesis.tex');
    expect((await failure(IndexFolder.inspect(join(directory, 'thesis.tex')))).code).toBe('NOT_AN_INDEX');
  });

  test('the manifest of something else, of a newer format, or broken', async () => {
    const manifest = join(directory, 'manifest.json');
    await writeFile(manifest, '{"name": "web app"}');
    expect((await failure(IndexFolder.inspect(directory))).code).toBe('NOT_AN_INDEX');
    await writeFile(manifest, '{"format": 7}');
    expect((await failure(IndexFolder.inspect(directory))).code).toBe('INDEX_FORMAT_NEWER');
    await writeFile(manifest, '{"format": 1, "dimen');
    expect((await failure(IndexFolder.inspect(directory))).code).toBe('INDEX_DAMAGED');
    await writeFile(manifest, '{"format": 1, "model": {}, "dimensions": 1e99}');
    expect((await failure(IndexFolder.inspect(directory))).code).toBe('INDEX_DAMAGED');
  });

  test('a making that was cut short before the manifest is made again', async () => {
    await make([entry('a', [1])]);
    await rm(join(directory, 'manifest.json'));
    await writeFile(join(directory, 'manifest.json.new'), '{"for');
    await IndexFolder.create(directory, model, dimensions);
    expect((await IndexFolder.inspect(directory))?.model).toEqual(model);
  });

  test('two that make it at once make one', async () => {
    await Promise.all([1, 2, 3].map(() => IndexFolder.create(directory, model, dimensions)));
    await add([entry('a', [1])]);
    expect(await dump()).toHaveLength(1);
  });

  test('a missing catalog is damage, and none is made in its place', async () => {
    await make([entry('a', [1])]);
    for (const suffix of ['', '-wal', '-shm']) await rm(join(directory, `catalog.sqlite${suffix}`), { force: true });
    expect((await failure(IndexFolder.open(directory))).code).toBe('INDEX_DAMAGED');
    expect((await failure(stat(join(directory, 'catalog.sqlite')).catch(() => IndexFolder.open(directory)))).code).toBe(
      'INDEX_DAMAGED',
    );
  });

  test('a catalog that is no database is damage', async () => {
    await make([entry('a', [1])]);
    for (const suffix of ['-wal', '-shm']) await rm(join(directory, `catalog.sqlite${suffix}`), { force: true });
    await writeFile(join(directory, 'catalog.sqlite'), 'not a database '.repeat(1000));
    expect((await failure(IndexFolder.open(directory))).code).toBe('INDEX_DAMAGED');
  });
});

describe('damage to segments', () => {
  test('any flipped bit is found when its block is read', async () => {
    await make([entry('a', [1, 2]), entry('b', [3])], [entry('c', [4])]);
    for (const file of Object.values(segmentFiles(directory, 1))) {
      const whole = await readFile(file);
      for (let bit = 0; bit < whole.length * 8; bit += 5) {
        const flipped = Buffer.from(whole);
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        await writeFile(file, flipped);
        const error = await failure(dump());
        expect(error.code).toBe('INDEX_DAMAGED');
        expect(error.message).toContain(file);
      }
      await writeFile(file, whole);
    }
    expect(await dump()).toHaveLength(4);
  });

  test('a segment that is too short or missing is found when the index is opened', async () => {
    await make([entry('a', [1, 2])]);
    for (const file of Object.values(segmentFiles(directory, 1))) {
      const whole = await readFile(file);
      await truncate(file, whole.length - 1);
      expect((await failure(IndexFolder.open(directory))).code).toBe('INDEX_DAMAGED');
      await rm(file);
      expect((await failure(IndexFolder.open(directory))).message).toContain('missing');
      await writeFile(file, whole);
    }
  });

  test('bytes beyond what the catalog counts are ignored by readers and cut by the next writer', async () => {
    await make([entry('a', [1])]);
    const { vectors, documents } = segmentFiles(directory, 1);
    await appendFile(vectors, 'half a commit');
    await appendFile(documents, 'xy');
    expect(await dump()).toHaveLength(1);
    await add();
    expect((await stat(vectors)).size).toBe(16);
    expect((await stat(documents)).size).toBe(4);
    await add([entry('b', [2])]);
    expect((await dump()).map(({ id }) => id)).toEqual(['a', 'b']);
  });
});

describe('writers and readers', () => {
  test('a second writer is told who the first one is', async () => {
    await make();
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    const error = await failure(folder.openWriter());
    expect(error.code).toBe('INDEX_LOCKED');
    expect(error.message).toContain('this very process');
    await writer.close();
    await (await folder.openWriter()).close();
    folder.close();
  });

  test('the lock of a killed process is free', async () => {
    await make();
    const holder = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `import Database from ${JSON.stringify(import.meta.resolve('libsql'))};
       const lock = new Database(${JSON.stringify(join(directory, 'writer.lock'))});
       lock.exec('BEGIN EXCLUSIVE');
       process.stdout.write('held');
       setInterval(() => lock, 1000);`,
    ]);
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    const folder = await IndexFolder.open(directory);
    expect((await failure(folder.openWriter())).code).toBe('INDEX_LOCKED');
    const exited = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await exited;
    await (await folder.openWriter()).close();
    folder.close();
  });

  test('a reader beside a writer sees each commit, and a snapshot does not', async () => {
    await make([entry('a', [1])]);
    const reader = await IndexFolder.open(directory);
    const snapshot = reader.startSnapshot();
    const before = reader.catalog.dataVersion();
    expect(reader.catalog.totals().documents).toBe(1);
    const writer = await reader.openWriter();
    await writer.commit([entry('b', [2])]);
    expect(reader.catalog.dataVersion()).not.toBe(before);
    expect(reader.catalog.totals().documents).toBe(2);
    expect(snapshot.totals().documents).toBe(1);
    await writer.commit([entry('c', [3])]);
    expect(reader.catalog.document(3)?.document.id).toBe('c');
    expect(snapshot.document(3)).toBeUndefined();
    await writer.close();
    reader.endSnapshot(snapshot);
    reader.close();
  });

  test('ids of one run are noted with their places', async () => {
    await make();
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    expect(writer.noteId('a', { file: 'f', line: 1 })).toBeUndefined();
    expect(writer.noteId('a', { file: 'g', line: 9 })).toEqual({ file: 'f', line: 1 });
    expect(writer.noteId('b', { file: 'g', line: 10 })).toBeUndefined();
    await writer.close();
    const next = await folder.openWriter();
    expect(next.noteId('a', { file: 'f', line: 1 })).toBeUndefined();
    await next.close();
    folder.close();
  });
});

describe('failing writes', () => {
  test('a full disk while vectors are written: nothing of the commit is there, the next one goes on', async () => {
    await make([entry('a', [1])]);
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    const probe = await open(join(directory, 'manifest.json'));
    const prototype = Object.getPrototypeOf(probe) as { write: (...values: unknown[]) => unknown };
    await probe.close();
    const write = prototype.write;
    prototype.write = () => Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
    const error = await failure(writer.commit([entry('b', [2])]));
    prototype.write = write;
    expect(error.code).toBe('DISK_FULL');
    expect(error.exitCode).toBe(1);
    expect(folder.catalog.totals().documents).toBe(1);
    await writer.commit([entry('c', [3])]);
    await writer.close();
    folder.close();
    expect((await dump()).map(({ id, vector }) => [id, vector[0]])).toEqual([
      ['a', 1],
      ['c', 3],
    ]);
  });

  test('a failing transaction leaves vectors that count for nothing', async () => {
    await make([entry('a', [1])]);
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    const broken = { ...entry('b', [2]), content: null as unknown as Uint8Array };
    expect((await failure(writer.commit([broken]))).code).toBe('STORAGE_FAILED');
    await writer.commit([entry('c', [3])]);
    await writer.close();
    folder.close();
    expect((await dump()).map(({ id, vector }) => [id, vector[0]])).toEqual([
      ['a', 1],
      ['c', 3],
    ]);
  });

  test('a directory that cannot be made is said to be so', async () => {
    await mkdir(join(directory, 'file'), { recursive: true });
    await writeFile(join(directory, 'file', 'x'), '');
    const error = await failure(IndexFolder.create(join(directory, 'file', 'x', 'index'), model, dimensions));
    expect(error.code).toBe('STORAGE_FAILED');
  });
});
