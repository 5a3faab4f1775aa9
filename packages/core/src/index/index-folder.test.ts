import { spawn } from 'node:child_process';
import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NerRetrieverError } from '../errors.js';
import { IndexFolder } from './index-folder.js';
import type { IndexEntry } from './index-writer.js';
import { writeManifest } from './manifest.js';
import { segmentFiles } from './segments/segment-files.js';
import { storageError } from './storage-error.js';

const dimensions = 4;
const model = { name: 'made-up', version: '1', fingerprint: 'sha256:abc', path: null };
const manifest = { model, dimensions, precision: 'int8' } as const;
const files = (segment: number) => segmentFiles(directory, segment, 'int8', dimensions);

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
  await IndexFolder.create(directory, manifest);
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
  try {
    using snapshot = await folder.snapshot();
    const { vectors, catalog, alive } = snapshot;
    const all = await vectors.vectors(0, vectors.rows);
    const { documents, firstRows } = vectors.locate(Uint32Array.from({ length: vectors.rows }, (_, row) => row));
    return Array.from(documents, (ordinal, row) => {
      const stored = catalog.document(ordinal);
      expect(alive.has(ordinal)).toBe(stored !== undefined);
      return {
        id: stored?.document.id ?? null,
        vector: [...all.subarray(row * dimensions, (row + 1) * dimensions)],
        start: stored?.mention(row - (firstRows[row] as number))?.start,
      };
    });
  } catch (error) {
    throw storageError(error, directory);
  } finally {
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
    expect(folder.catalog.totals()).toMatchObject({ documents: 1, mentions: 0, rows: 0 });
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
    expect(folder.catalog.totals()).toMatchObject({ documents: 2, mentions: 3, rows: 4, lastOrdinal: 3 });
    expect(folder.catalog.find('a')?.ordinal).toBe(3);
    expect(folder.catalog.deathsAfter(0)).toEqual([1]);
    expect(folder.catalog.firstDeath()).toBe(1);
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
    expect(folder.catalog.totals()).toMatchObject({ documents: 2, mentions: 2, rows: 3 });
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
    const file = join(directory, 'manifest.json');
    const codeOf = async (content: string) => {
      await writeFile(file, content);
      return (await failure(IndexFolder.inspect(directory))).code;
    };
    expect(await codeOf('{"name": "web app"}')).toBe('NOT_AN_INDEX');
    expect(await codeOf('{"format": 7}')).toBe('INDEX_FORMAT_NEWER');
    expect(await codeOf('{"format": 1}')).toBe('INDEX_FORMAT_OLDER');
    expect(await codeOf('{"format": 2, "dimen')).toBe('INDEX_DAMAGED');
    await writeManifest(directory, { format: 2, ...manifest, catalog: 1, dimensions: 1e99 });
    expect((await failure(IndexFolder.inspect(directory))).code).toBe('INDEX_DAMAGED');
    await writeManifest(directory, { format: 2, ...manifest, catalog: 1 });
    const whole = await readFile(file, 'utf8');
    expect(await codeOf(whole.replace('made-up', 'made-uq'))).toBe('INDEX_DAMAGED');
    expect(await codeOf(whole.replace('"dimensions": 4', '"dimensions": 5'))).toBe('INDEX_DAMAGED');
  });

  test('a making that was cut short before the manifest is made again', async () => {
    await make([entry('a', [1])]);
    await rm(join(directory, 'manifest.json'));
    await writeFile(join(directory, 'manifest.json.new'), '{"for');
    await IndexFolder.create(directory, manifest);
    expect((await IndexFolder.inspect(directory))?.model).toEqual(model);
  });

  test('two that make it at once make one', async () => {
    await Promise.all([1, 2, 3].map(() => IndexFolder.create(directory, manifest)));
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

  test('the catalog of another index is damage', async () => {
    await make([entry('a', [1])]);
    const other = `${directory} other`;
    await rename(directory, other);
    await make([entry('a', [2])]);
    for (const suffix of ['', '-wal', '-shm']) await rm(join(directory, `catalog.sqlite${suffix}`), { force: true });
    await copyFile(join(other, 'catalog.sqlite'), join(directory, 'catalog.sqlite'));
    expect((await failure(IndexFolder.open(directory))).message).toContain('not the catalog of this index');
    await rm(other, { recursive: true });
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
    for (const { file } of files(1)) {
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
    for (const { file } of files(1)) {
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
    for (const { file } of files(1)) await appendFile(file, 'half a commit');
    expect(await dump()).toHaveLength(1);
    await add();
    for (const { file, rowBytes } of files(1)) expect((await stat(file)).size).toBe(rowBytes);
    await add([entry('b', [2])]);
    expect((await dump()).map(({ id }) => id)).toEqual(['a', 'b']);
  });
});

describe('damage to the list of ids', () => {
  /** Puts the entries of other ids into it, as the file may come to have them. */
  async function damage(from: string, to: string): Promise<void> {
    for (const suffix of ['-wal', '-shm']) await rm(join(directory, `catalog.sqlite${suffix}`), { force: true });
    const file = join(directory, 'catalog.sqlite');
    const bytes = await readFile(file, 'latin1');
    const pages = bytes.match(/[\s\S]{4096}/g) as string[];
    // SQLite's kind of page: 10 is one of a list.
    const changed = pages.map((page) => (page.charCodeAt(0) === 10 ? page.replace(from, to) : page));
    expect(changed).not.toEqual(pages);
    await writeFile(file, changed.join(''), 'latin1');
  }

  test.each([
    ['an entry that is another id', 'id-b', 'id-x'],
    ['an entry that comes before all', 'id-b', 'aaaa'],
    ['an entry that is there twice', 'id-b', 'id-a'],
  ])('%s: an id is not said to be missing', async (_, from, to) => {
    await make([entry('id-a', [1]), entry('id-b', [2]), entry('id-c', [3])]);
    await damage(from, to);
    const folder = await IndexFolder.open(directory);
    expect(() => folder.get('id-b')).toThrow(/list of ids|has 2/);
    folder.close();
  });

  test('where nothing is wrong, an id that is not there is not there', async () => {
    await make([entry('b', [1]), entry('d', [2]), entry('gone', [3])]);
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    writer.delete('gone');
    for (const id of ['', 'a', 'c', 'e', 'gone', '\0']) expect(folder.get(id)).toBeUndefined();
    await writer.close();
    folder.close();
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
    const snapshot = await reader.snapshot();
    expect(reader.catalog.totals().documents).toBe(1);
    const writer = await reader.openWriter();
    await writer.commit([entry('b', [2])]);
    expect(reader.catalog.totals().documents).toBe(2);
    expect(snapshot.catalog.totals().documents).toBe(1);
    expect([...snapshot.alive.bits]).toEqual([0b10]);
    await writer.commit([entry('c', [3])]);
    expect(reader.catalog.document(3)?.document.id).toBe('c');
    expect(snapshot.catalog.document(3)).toBeUndefined();
    await writer.close();
    snapshot[Symbol.dispose]();
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
    const error = await failure(IndexFolder.create(join(directory, 'file', 'x', 'index'), manifest));
    expect(error.code).toBe('STORAGE_FAILED');
  });
});

describe('compaction', () => {
  const noProgress = { signal: undefined, report: () => {} };

  /** Rows with the ids of their documents, in order. */
  const rows = async () => (await dump()).map(({ id, vector }) => [id, vector[0]]);

  async function compact(signal?: AbortSignal) {
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    try {
      return await writer.compact({ ...noProgress, signal });
    } finally {
      await writer.close();
      folder.close();
    }
  }

  test('dead rows go, living ones keep their order, and adding goes on', async () => {
    await make([entry('a', [1, 2]), entry('b', [3])], [entry('c', [4, 5])], [entry('b', [6])], [entry('d', [7])]);
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    writer.delete('c');
    await writer.close();
    folder.close();
    expect(await compact()).toMatchObject({ removedRows: 3, movedRows: 4 });
    const living = [
      ['a', 1],
      ['a', 2],
      ['b', 6],
      ['d', 7],
    ];
    expect(await rows()).toEqual(living);
    expect(await compact()).toMatchObject({ removedRows: 0, movedRows: 0 });
    await add([entry('e', [8])]);
    expect(await rows()).toEqual([...living, ['e', 8]]);
    const names = await readdir(join(directory, 'segments'));
    expect(new Set(names.map((name) => name.slice(0, 6)))).toEqual(new Set(['000002']));
  });

  test('an index whose documents are all gone is empty, and may be filled again', async () => {
    await make([entry('a', [1])]);
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    writer.delete('a');
    await writer.compact(noProgress);
    await writer.commit([entry('b', [2])]);
    await writer.close();
    folder.close();
    expect(await rows()).toEqual([['b', 2]]);
  });

  test('a snapshot taken before sees what it saw, one taken after the same without what is gone', async () => {
    await make([entry('a', [1]), entry('b', [2])], [entry('c', [3])]);
    const folder = await IndexFolder.open(directory);
    const writer = await folder.openWriter();
    const before = await folder.snapshot();
    const early = await IndexFolder.open(directory);
    writer.delete('a');
    await writer.compact(noProgress);
    const after = await folder.snapshot();
    const found = async ({ vectors, alive }: typeof before) => {
      const { rows } = await vectors.rank(Float32Array.of(1, 1, 1, 1), { documents: alive.bits });
      return [...vectors.locate(rows).documents];
    };
    expect(await found(before)).toEqual([3, 2, 1]);
    expect(await found(after)).toEqual([3, 2]);
    // One that opened the index before and looks at its vectors only now.
    const late = await early.snapshot();
    expect(await found(late)).toEqual([3, 2]);
    for (const snapshot of [before, after, late]) snapshot[Symbol.dispose]();
    await writer.close();
    early.close();
    folder.close();
  });

  test('one that is stopped leaves the index as it was, and nothing beside it', async () => {
    await make([entry('a', [1]), entry('b', [2])], [entry('a', [3])]);
    const whole = await rows();
    const names = await readdir(join(directory, 'segments'));
    await expect(compact(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(await rows()).toEqual(whole);
    expect(await readdir(join(directory, 'segments'))).toEqual(names);
  });

  test('many small commits are put together', async () => {
    await make(...Array.from({ length: 80 }, (_, number) => [entry(`d${number}`, [number])]));
    expect(await compact()).toMatchObject({ removedRows: 0, movedRows: 80 });
    const folder = await IndexFolder.open(directory);
    expect(folder.catalog.blocksAfter(0)).toHaveLength(1);
    folder.close();
    expect(await rows()).toEqual(Array.from({ length: 80 }, (_, number) => [`d${number}`, number]));
  });
});
