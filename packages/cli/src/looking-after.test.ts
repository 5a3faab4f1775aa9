import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { exportVectors } from '@ner-retriever/core';
import { FaissIndex, info } from '@ner-retriever/native';
import { beforeAll, describe, expect, test } from 'vitest';
import { binary, runCommand } from '../test-support/run-command.js';
import { documentOf, tinyModel, workspace } from '../test-support/workspace.js';

const { path, lines } = workspace();

const documents = [
  documentOf('emoji', '🙂🙂 Microraptor flew over 🦖 Liaoning.', 'Microraptor', 'Liaoning'),
  documentOf('gone', 'Here is Atlantis.', 'Atlantis'),
  { ...documentOf('skips', 'Anna met Bjo\u0308rk.', 'Anna', 'Bjo\u0308rk', 'nowhere'), metadata: { year: 1990 } },
  documentOf('none', 'Nothing to see here.'),
  documentOf('terminal', 'A \u001b[2J\u009b31m Trilobite\u202e crawled.\nSecond line', 'Trilobite'),
];

let index: string;
beforeAll(async () => {
  index = path('index');
  // The model of this index will be gone: none of these commands needs it.
  const model = path('model');
  await cp(tinyModel, model, { recursive: true });
  const added = await lines('docs.jsonl', documents);
  const flags = ['--index', index, '--mentions', 'given'];
  const first = await runCommand(['index', added, ...flags, '--model', model, '--precision', 'int8']);
  expect(first.code).toBe(0);
  const again = await lines('again.jsonl', [
    documentOf('gone', 'Nothing is left of it.'),
    documentOf('late', 'Vienna and Paris.', 'Vienna', 'Paris'),
  ]);
  expect((await runCommand(['index', again, ...flags])).stderr).toMatch(/1 documents? added, 1 replaced/);
  await rename(model, `${model}.away`);
});

async function copy(name: string): Promise<string> {
  await cp(index, path(name), { recursive: true });
  return path(name);
}

async function flip(name: string, at: number): Promise<void> {
  const bytes = await readFile(name);
  bytes[at] = (bytes[at] as number) ^ 1;
  await writeFile(name, bytes);
}

describe('index-info', () => {
  test('says how the vectors are kept and what compacting would give back', async () => {
    const { code, stdout } = await runCommand(['index-info', '--index', index, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      documents: 6,
      mentions: 7,
      dimensions: 32,
      precision: 'int8',
      segments: 1,
      deadRows: 1,
      vectorBytes: 8 * (5 * 32 + 16),
      model: { name: 'tiny-random', directory: path('model') },
    });
    const text = await runCommand(['index-info', '--index', index]);
    expect(text.stdout).toMatch(/vectors +32 × int8, in 1 segment\n/);
    expect(text.stdout).toMatch(/dead rows +1; "compact" gives back \d+ B or more\n/);
  });

  test('--precision is one that there is', async () => {
    const refused = await runCommand(['index', '-', '--index', path('new'), '--precision', 'float8']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/int8 or float32 or bfloat16/) });
  });
});

describe('verify', () => {
  test('a whole index: what was read, and 0', async () => {
    const { code, stdout } = await runCommand(['verify', '--index', index]);
    expect(stdout).toMatch(/index is whole: 6 documents, 8 rows, [\d.]+ kB read in 0:0\d\n$/);
    expect(code).toBe(0);
    const json = await runCommand(['verify', '--index', index, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ whole: true, problems: [], documents: 6, rows: 8, segments: 1 });
  });

  test('a damaged one: every file with what is wrong, and 1', async () => {
    const damaged = await copy('damaged');
    const vectors = `${damaged}/segments/000001.vectors`;
    await flip(vectors, 200);
    const { code, stdout } = await runCommand(['verify', '--index', damaged]);
    expect(stdout).toMatch(/000001\.vectors: rows 0 to 5 of this segment \(block 1\) were changed\n/);
    expect(stdout).toMatch(/000001\.vectors: row 1 of this segment and its checksum do not agree\n/);
    expect(stdout).toMatch(/is damaged \(2 problems; 6 documents, .*\)\. Restore the folder from a copy, or make/);
    expect(code).toBe(1);
    const json = await runCommand(['verify', '--index', damaged, '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      whole: false,
      problemCount: 2,
      problems: [{ file: vectors }, { file: vectors }],
    });
  });

  test('where there is no index, and what is no flag', async () => {
    expect(await runCommand(['verify', '--index', path('nowhere')])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/nowhere/),
    });
    expect(await runCommand(['verify', index])).toMatchObject({ code: 2 });
    expect(await runCommand(['verify', index, '--index', index])).toMatchObject({ code: 2 });
  });
});

describe('compact', () => {
  test('gives back the room, says so, and the second time that there is nothing to do', async () => {
    const directory = await copy('compacted');
    const { code, stdout, stderr } = await runCommand(['compact', '--index', directory]);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/compacted: 1 dead row removed, 7 written anew, [\d.]+ k?B given back; 0:0\d\n$/);
    expect((await runCommand(['compact', '--index', directory])).stderr).toMatch(/compacted: nothing to do\n$/);
    expect((await runCommand(['verify', '--index', directory])).code).toBe(0);
    const exported = async (from: string) => (await runCommand(['export', '--index', from])).stdout;
    expect(await exported(directory)).toBe(await exported(index));
  });

  test('--json', async () => {
    const { stdout } = await runCommand(['compact', '--index', await copy('json'), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ removedRows: 1, movedRows: 7, freedBytes: expect.any(Number) });
  });

  test('Ctrl-C at any moment leaves the index whole', async () => {
    const directory = await copy('interrupted');
    for (let delay = 40; delay < 240; delay += 25) {
      const child = spawn(process.execPath, [binary, 'compact', '--index', directory]);
      const ended = once(child, 'close');
      await wait(delay);
      child.kill('SIGINT');
      await ended;
      expect((await runCommand(['verify', '--index', directory])).stdout).toMatch(/is whole: 6 documents/);
    }
  });
});

describe('export', () => {
  test('JSON Lines: the mentions that have a vector, in order, and harmless on a terminal', async () => {
    const { code, stdout, stderr } = await runCommand(['export', '--index', index]);
    expect([code, stderr]).toEqual([0, '']);
    const exported = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(exported.map(({ id }) => id)).toEqual(['emoji', 'skips', 'none', 'terminal', 'gone', 'late']);
    expect(exported[0]).toEqual(documents[0]);
    expect(exported[1]).toEqual({ ...documents[2], mentions: documents[2]?.mentions.slice(0, 2) });
    expect(exported[2]).toEqual(documents[3]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what this looks for.
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test('to a file, compressed where its name says so', async () => {
    const { stdout } = await runCommand(['export', '--index', index]);
    const plain = await runCommand(['export', '--index', index, '--out', path('all.jsonl')]);
    expect(plain).toMatchObject({ code: 0, stdout: '', stderr: `${path('all.jsonl')}: 6 documents\n` });
    expect(await readFile(path('all.jsonl'), 'utf8')).toBe(stdout);
    await runCommand(['export', '--index', index, '--format', 'jsonl', '--out', path('all.jsonl.gz')]);
    expect(gunzipSync(await readFile(path('all.jsonl.gz'))).toString()).toBe(stdout);
  });

  test('indexed anew, in another precision: the same hits with the same scores', async () => {
    const again = path('again');
    await runCommand(['export', '--index', index, '--out', path('again.jsonl.gz')]);
    const made = ['index', path('again.jsonl.gz'), '--index', again, '--mentions', 'given', '--precision', 'float32'];
    expect((await runCommand([...made, '--model', tinyModel])).stderr).toMatch(/6 documents added.*7 mentions/);
    const found = async (...asked: string[]) =>
      (await runCommand(['search', 'dinosaur', '--all', '--jsonl', '--model', tinyModel, ...asked])).stdout;
    const expected = await found('--index', index);
    expect(expected.trimEnd().split('\n')).toHaveLength(4);
    expect(await found('--index', again)).toBe(expected);
    expect(await found('--index', again, '--hybrid')).toBe(await found('--index', index, '--hybrid'));
  });

  test('.npy: float32 rows in the order of the mentions', async () => {
    const out = path('vectors.npy');
    const written = await runCommand(['export', '--index', index, '--format', 'npy', '--out', out]);
    expect(written).toMatchObject({ code: 0, stderr: `${out}: 7 rows of 32 float32\n` });
    // `embed` makes the same vectors of the exported documents.
    await runCommand(['export', '--index', index, '--out', path('embedded.jsonl')]);
    const embedded = path('embedded.npy');
    await runCommand(['embed', path('embedded.jsonl'), '--out', embedded, '--model', tinyModel]);
    expect(await readFile(out)).toEqual(await readFile(embedded));
  });

  test.runIf(info().faiss.available)('a FAISS file, of any kind, with the same rows', async () => {
    const vectors: number[][] = [];
    // Of a copy: this process may hold its files for a while.
    for await (const { vectors: some } of exportVectors(await copy('exported'))) {
      for (let row = 0; row < some.rows; row += 1) vectors.push([...some.data.subarray(row * 32, (row + 1) * 32)]);
    }
    for (const factory of ['Flat', 'HNSW32', 'IVF2,SQ8']) {
      const out = path(`${factory}.faiss`);
      const flags = ['--format', 'faiss', '--factory', factory, '--out', out];
      const { code, stderr } = await runCommand(['export', '--index', index, ...flags]);
      expect([code, stderr]).toEqual([0, expect.stringContaining(`${out}: 7 rows, ${factory}\n`)]);
      const faiss = await FaissIndex.read(out);
      expect([faiss.size, faiss.dimensions]).toEqual([7, 32]);
      const found = await faiss.search(Float32Array.from(vectors.flat()), 1);
      // Rows of equal vectors stand for each other.
      const same = [...found.rows].map((row, query) => cosine(vectors[row] as number[], vectors[query] as number[]));
      for (const score of same) expect(score).toBeCloseTo(1, 4);
    }
  });

  test.runIf(info().faiss.available)('a factory string that FAISS does not know', async () => {
    const flags = ['--format', 'faiss', '--factory', 'Pancake', '--out', path('pancake')];
    const { code, stderr } = await runCommand(['export', '--index', index, ...flags]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^error: .*Pancake/)]);
    expect(existsSync(path('pancake.partial'))).toBe(false);
  });

  test('what cannot be written leaves nothing behind', async () => {
    const inNoFolder = await runCommand(['export', '--index', index, '--out', path('no/folder.jsonl')]);
    expect(inNoFolder).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: Cannot write ".*folder\.jsonl"/),
    });
    const damaged = await copy('damaged-rows');
    await flip(`${damaged}/segments/000001.vectors`, 200);
    const out = path('damaged.npy');
    const refused = await runCommand(['export', '--index', damaged, '--format', 'npy', '--out', out]);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/The index is damaged: .*000001\.vectors/),
    });
    expect((await readdir(path(''))).filter((name) => name.startsWith('damaged.npy'))).toEqual([]);
    // The documents are all there.
    expect((await runCommand(['export', '--index', damaged])).code).toBe(0);
  });

  test('Ctrl-C leaves no file', async () => {
    // Much to write and little to tokenise.
    const filler = Array.from({ length: 2000 }, (_, number) => number * 7919).join(' ');
    const many = Array.from({ length: 2000 }, (_, number) => ({
      id: `d${number}`,
      text: `${number}`,
      mentions: [],
      metadata: { filler },
    }));
    const large = path('large');
    const source = await lines('large.jsonl', many);
    expect((await runCommand(['index', source, '--index', large, '--model', tinyModel])).code).toBe(0);
    const out = path('large.jsonl.gz');
    const child = spawn(process.execPath, [binary, 'export', '--index', large, '--out', out]);
    const ended = once(child, 'close');
    const size = () => (existsSync(`${out}.partial`) ? statSync(`${out}.partial`).size : 0);
    while (size() === 0 && child.exitCode === null) await wait(5);
    child.kill('SIGINT');
    const [code] = await ended;
    expect(code).toBe(130);
    expect([existsSync(out), existsSync(`${out}.partial`)]).toEqual([false, false]);
    await rm(large, { recursive: true });
  });

  test.each([
    [['--format', 'npy'], /Expected --out, but received none/],
    [['--format', 'parquet'], /jsonl or npy or faiss/],
    [['--factory', 'Flat'], /Expected --factory with --format faiss/],
    [['extra'], /Expected flags only/],
  ])('%s', async (flags, expected) => {
    const refused = await runCommand(['export', '--index', index, ...flags]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(expected) });
  });
});

test('the help of each names its flags and shows examples', async () => {
  for (const verb of ['verify', 'compact', 'export', 'index-info']) {
    const { code, stdout } = await runCommand([verb, '--help']);
    expect([code, stdout.includes('--index DIR')]).toEqual([0, true]);
    expect(stdout).toContain(`ner-retriever ${verb} --index wiki.index`);
  }
});

/** Of vectors of length 1. */
function cosine(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, column) => sum + value * (other[column] as number), 0);
}
