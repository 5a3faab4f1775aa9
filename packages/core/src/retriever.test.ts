import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
// The built package: its encoder threads need files that are JavaScript.
import {
  type AddProgress,
  type CutOff,
  type CutOffConstants,
  type Document,
  type Hit,
  NerRetrieverError,
  openModelFolder,
  Retriever,
  readDocuments,
  readJsonLines,
} from '@ner-retriever/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { estimateCutOff } from './search/cut-off/estimate-cut-off.js';

const model = fileURLToPath(new URL('../../../test/fixtures/tiny-model', import.meta.url));

let directory: string;
let index: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'retriever-'));
  index = join(directory, 'wiki.index');
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Documents with given mentions, each with words of its own. */
function documents(count: number): Document[] {
  const names = [
    'Microraptor',
    'Angela Merkel',
    'Liaoning',
    'Ferrari',
    'Maria Callas',
    'São Paulo',
    'the 🦖 exhibition',
  ];
  return Array.from({ length: count }, (_, number) => {
    const name = `${names[number % names.length]} ${number}`;
    const text = `Report ${number}: ${name} was seen near ${names[(number * 5 + 1) % names.length]} in ${1900 + (number % 120)}.`;
    const start = text.indexOf(name);
    return { id: `d${number}`, text, mentions: [{ start, end: start + name.length }] };
  });
}

const jsonLines = (all: readonly unknown[]) => `${all.map((one) => JSON.stringify(one)).join('\n')}\n`;

const open = (options: Parameters<typeof Retriever.open>[1] = {}) =>
  Retriever.open(index, { create: true, model, workers: 1, ...options });

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

async function failure(work: PromiseLike<unknown>): Promise<NerRetrieverError> {
  const error = await Promise.resolve(work).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(NerRetrieverError.isInstance(error), String(error)).toBe(true);
  return error as NerRetrieverError;
}

/** All that searching can tell of an index. */
async function answers(retriever: Retriever) {
  const brief = ({ id, score, mention }: Hit) => ({ id, score, mention });
  const whole = await collect(retriever.searchAll('dinosaur'));
  const many = await retriever.searchMany(['opera singer', 'car'], { limit: 25 });
  const hybrid = await collect(retriever.searchAll('report of an opera singer', { mode: 'hybrid' }));
  return { whole: whole.map(brief), many: many.map(({ hits }) => hits.map(brief)), hybrid: hybrid.map(brief) };
}

describe('documents in, evidence out', () => {
  test('hits fall in score, come once each, and their offsets cut out the mention', async () => {
    await using retriever = await open();
    const summary = await retriever.add(documents(300));
    expect(summary).toMatchObject({ documents: 300, mentions: 300, refused: 0, unchanged: 0, replaced: 0 });
    expect(summary.tokens).toBeGreaterThan(300);

    const { hits, elapsedMs } = await retriever.search('dinosaur', { limit: 20 });
    expect(hits).toHaveLength(20);
    expect(elapsedMs).toBeGreaterThan(0);
    const all = await collect(retriever.searchAll('dinosaur'));
    expect(all.slice(0, 20)).toEqual(hits);
    expect(new Set(all.map(({ id }) => id)).size).toBe(300);
    for (const [place, { id, score, mention, document }] of all.entries()) {
      if (place > 0) expect(score).toBeLessThanOrEqual((all[place - 1] as Hit).score);
      expect(document).toEqual(documents(300)[Number(id.slice(1))]);
      expect(document.text.slice(mention.start, mention.end)).toBe(mention.text);
    }
    const minScore = (all[99] as Hit).score;
    const above = all.filter(({ score }) => score >= minScore);
    expect(await collect(retriever.searchAll('dinosaur', { minScore }))).toEqual(above);
    expect((await retriever.search('dinosaur', { limit: 1000, minScore })).hits).toEqual(above);
  });

  test('minScore auto: what scores at least the estimate, which it tells', async () => {
    await using retriever = await open();
    await retriever.add(documents(300));
    const all = await collect(retriever.searchAll('dinosaur'));
    const { hits, cutOff } = await retriever.search('dinosaur', { limit: 1000, minScore: 'auto' });
    const above = all.filter(({ score }) => score >= (cutOff as CutOff).minScore);
    expect(hits).toEqual(above);
    expect(cutOff?.documents).toBe(above.length);
    const { description } = await openModelFolder(model);
    const scores = Float32Array.from(all, ({ score }) => score);
    expect(cutOff).toEqual(estimateCutOff(scores, description.cutOff as CutOffConstants));
    expect(await collect(retriever.searchAll('dinosaur', { minScore: 'auto' }))).toEqual(above);

    const many = await retriever.searchMany(['a Ferrari', 'dinosaur'], { limit: 1, minScore: 'auto' });
    expect(many[1]).toEqual({ hits: above.slice(0, 1), cutOff });
    expect(many[0]?.cutOff).toEqual((await retriever.search('a Ferrari', { minScore: 'auto' })).cutOff);
    expect(await retriever.search('dinosaur')).not.toHaveProperty('cutOff');
  });

  test('minScore auto: nothing of an empty index; no other word', async () => {
    await using retriever = await open();
    expect(await retriever.search('dinosaur', { minScore: 'auto' })).toMatchObject({
      hits: [],
      cutOff: { documents: 0 },
    });
    expect(await collect(retriever.searchAll('dinosaur', { minScore: 'auto' }))).toEqual([]);
    for (const wrong of [{ minScore: 'best' as 'auto' }, { mode: 'hybrid', minScore: 'auto' } as const]) {
      expect((await failure(retriever.search('dinosaur', wrong))).code).toBe('OPTION_INVALID');
      expect((await failure(collect(retriever.searchAll('dinosaur', wrong)))).code).toBe('OPTION_INVALID');
    }
  });

  test('minScore auto with a model that says nothing of where a type ends', async () => {
    const other = join(directory, 'other-model');
    await cp(model, other, { recursive: true });
    const { cutOff: _, ...description } = JSON.parse(await readFile(join(other, 'model.json'), 'utf8'));
    await writeFile(join(other, 'model.json'), JSON.stringify(description));
    await using retriever = await open({ model: other });
    await retriever.add(documents(3));
    for (const refused of [
      retriever.search('dinosaur', { minScore: 'auto' }),
      retriever.searchMany(['dinosaur'], { minScore: 'auto' }),
      collect(retriever.searchAll('dinosaur', { minScore: 'auto' })),
    ]) {
      const error = await failure(refused);
      expect(error.code).toBe('CUT_OFF_UNKNOWN');
      expect(error.message).toContain('tiny-random 0.1.0');
    }
    expect((await retriever.search('dinosaur', { minScore: -1 })).hits).toHaveLength(3);
  });

  test('hybrid: the same documents, in the order of both rankings', async () => {
    await using retriever = await open();
    await retriever.add(documents(300));
    const byVectors = await collect(retriever.searchAll('a Ferrari'));
    const all = await collect(retriever.searchAll('a Ferrari', { mode: 'hybrid' }));
    const ids = (hits: readonly Hit[]) => hits.map(({ id }) => id).sort();
    expect(ids(all)).toEqual(ids(byVectors));
    // Places among vectors are 1, 2, 3, …: the documents that do not have the word have theirs as they stand.
    const words = all.filter(({ document }) => document.text.includes('Ferrari'));
    expect(words.length).toBeGreaterThan(0);
    const places = new Set(all.map((_, place) => 1 / (61 + place)));
    for (const { score, document } of all) expect(places.has(score)).toBe(!document.text.includes('Ferrari'));
    expect((await retriever.search('a Ferrari', { mode: 'hybrid', limit: 20 })).hits).toEqual(all.slice(0, 20));
    const [opera, ferrari] = await retriever.searchMany(['opera', 'a Ferrari'], { mode: 'hybrid', limit: 20 });
    expect(ferrari?.hits).toEqual(all.slice(0, 20));
    // No document has the word "opera": by vectors alone.
    expect(opera?.hits.map(({ id }) => id)).toEqual(
      (await retriever.search('opera', { limit: 20 })).hits.map(({ id }) => id),
    );
    expect((await retriever.search('a Ferrari', { mode: 'vectors', limit: 20 })).hits).toEqual(byVectors.slice(0, 20));

    for (const wrong of [{ mode: 'words' as 'hybrid' }, { mode: 'hybrid', minScore: 0.01 } as const]) {
      expect((await failure(retriever.search('car', wrong))).code).toBe('OPTION_INVALID');
      expect((await failure(collect(retriever.searchAll('car', wrong)))).code).toBe('OPTION_INVALID');
    }
  });

  test('an index that is opened again answers the same, and remembers its model', async () => {
    const before = await open();
    await before.add(documents(200));
    const expected = await answers(before);
    const info = before.info();
    await before.close();
    await using again = await Retriever.open(index, { readOnly: true });
    expect(await answers(again)).toEqual(expected);
    expect(again.info()).toEqual({ ...info, bytes: expect.any(Number) });
    expect(info).toMatchObject({
      documents: 200,
      mentions: 200,
      formatVersion: 2,
      dimensions: 32,
      model: { directory: model },
    });
    expect(await again.get('d7')).toEqual(documents(8)[7]);
    expect(await again.get('nobody')).toBeUndefined();
  });

  test('one call or many, in any order: the same vectors', async () => {
    await using retriever = await open();
    await retriever.add(documents(60));
    const expected = new Map((await collect(retriever.searchAll('car'))).map((hit) => [hit.id, hit.score]));
    index = join(directory, 'other.index');
    await using other = await open();
    for (const document of documents(60).reverse()) await other.add([document]);
    for (const { id, score } of await collect(other.searchAll('car')))
      expect(score).toBeCloseTo(expected.get(id) as number, 4);
  });

  test('where mentions come from: given, detected, or both', async () => {
    const both: Document[] = [
      { id: 'given', text: 'Angela Merkel met Maria Callas.', mentions: [{ start: 0, end: 13 }] },
      { id: 'bare', text: 'Angela Merkel met Maria Callas.' },
    ];
    await using retriever = await open();
    expect((await retriever.add(both, { mentions: 'given' })).mentions).toBe(1);
    // Another way of finding mentions is another content.
    const detected = await retriever.add(both, { mentions: 'detect' });
    expect(detected).toMatchObject({ documents: 2, replaced: 2 });
    expect(await retriever.add(both)).toMatchObject({ documents: 1, replaced: 1, unchanged: 1 });
    expect((await retriever.get('bare'))?.mentions).toBeUndefined();
  });
});

describe('adding', () => {
  test('progress comes after commits and ends with the summary', async () => {
    await using retriever = await open();
    const run = retriever.add(documents(2500));
    const steps: AddProgress[] = await collect(run);
    const { refusals, skipped, ...summary } = await run;
    expect({ refusals, skipped }).toEqual({ refusals: [], skipped: [] });
    expect(steps.length).toBeGreaterThan(1);
    expect({ ...steps.at(-1), elapsedMs: 0 }).toEqual({ ...summary, elapsedMs: 0 });
    for (const [place, { documents: count }] of steps.entries()) {
      expect(count).toBeGreaterThanOrEqual(steps[place - 1]?.documents ?? 0);
    }
  });

  test('the same content is skipped, other content replaces', async () => {
    await using retriever = await open();
    const first = documents(50);
    await retriever.add(first);
    const changed = first.map((one, place) => (place % 10 === 0 ? { ...one, metadata: { seen: true } } : one));
    expect(await retriever.add(changed)).toMatchObject({ documents: 5, replaced: 5, unchanged: 45, refused: 0 });
    expect(retriever.info()).toMatchObject({ documents: 50, mentions: 50 });
    expect((await collect(retriever.searchAll('car'))).map(({ id }) => id).sort()).toEqual(
      first.map(({ id }) => id).sort(),
    );
    expect(await retriever.delete('d1')).toBe(true);
    expect((await collect(retriever.searchAll('car'))).map(({ id }) => id)).not.toContain('d1');
    expect(retriever.info()).toMatchObject({ documents: 49, mentions: 49 });
  });

  test('what is wrong is named with file and line, and the good rest goes in', async () => {
    const file = join(directory, 'bad.jsonl');
    const good = (id: string) => JSON.stringify({ id, text: 'Maria Callas sang.', mentions: [{ start: 0, end: 12 }] });
    await writeFile(
      file,
      Buffer.concat([
        Buffer.from(`${good('a')}\n{"id": "b", "text": \n{"id": "c"}\n${good('a')}\n`),
        Buffer.from([0x7b, 0xff, 0x7d, 0x0a]),
        Buffer.from(
          `${JSON.stringify({
            id: 'odd',
            text: 'Maria 🦖',
            mentions: [
              { start: 3, end: 99 },
              { start: 2, end: 2 },
              { start: 7, end: 8 },
              { start: 0, end: 5 },
            ],
          })}\n`,
        ),
        Buffer.from(good('last')),
      ]),
    );
    await using retriever = await open();
    const told: string[] = [];
    const summary = await retriever.add(readDocuments(file), {
      onRefused: ({ source, error }) => told.push(`${source.line} ${error.code}`),
      onSkipped: ({ id, start, reason, source }) => told.push(`${id} ${start} ${reason} ${source.line}`),
    });
    expect(told).toEqual([
      '2 LINE_MALFORMED',
      '3 DOCUMENT_INVALID',
      '4 DOCUMENT_REPEATED',
      '5 LINE_NOT_UTF8',
      'odd 3 outside-text 6',
      'odd 2 empty 6',
      'odd 7 splits-character 6',
    ]);
    expect(summary).toMatchObject({ documents: 3, refused: 4, mentions: 3, skippedMentions: 3 });
    expect(summary.refusals[2]?.error.message).toContain(`${file}:4: the id "a" was already given at ${file}:1`);
    expect(summary.skipped).toHaveLength(3);
    expect((await collect(retriever.searchAll('singer'))).map(({ id }) => id).sort()).toEqual(['a', 'last', 'odd']);

    index = join(directory, 'strict.index');
    await using strict = await open();
    expect((await failure(strict.add(readDocuments(file), { strict: true }))).code).toBe('LINE_MALFORMED');
    expect(strict.info().documents).toBe(1);
  });

  test('documents that are no documents are refused by position', async () => {
    await using retriever = await open();
    const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) as never;
    const summary = await retriever.add([
      { id: 'a', text: 'x', mentions: [] },
      null as unknown as Document,
      { id: 'b' } as Document,
      { id: 'deep', text: 'x', metadata: { deep } },
      { id: 'c', text: 'y', mentions: [] },
    ]);
    expect(summary.refusals.map(({ source, error }) => [source.line, error.code])).toEqual([
      [2, 'DOCUMENT_INVALID'],
      [3, 'DOCUMENT_INVALID'],
      [4, 'DOCUMENT_INVALID'],
    ]);
    expect(summary.documents).toBe(2);
  });

  test('the summary lists the first hundred refusals and counts all', async () => {
    await using retriever = await open();
    const summary = await retriever.add(Array.from({ length: 500 }, () => ({ id: 'same', text: 'x', mentions: [] })));
    expect(summary).toMatchObject({ documents: 1, refused: 499 });
    expect(summary.refusals).toHaveLength(100);
  });

  test('a text of 5 MB beside short ones', async () => {
    const text = 'Maria Callas sang in São Paulo. '.repeat(160_000);
    const start = text.lastIndexOf('Maria Callas');
    await using retriever = await open();
    const big = { id: 'big', text, mentions: [{ start, end: start + 12 }] };
    expect(await retriever.add([...documents(3), big])).toMatchObject({ documents: 4, mentions: 4 });
    const hit = (await collect(retriever.searchAll('singer'))).find(({ id }) => id === 'big');
    expect(hit?.mention).toEqual({ start, end: start + 12, text: 'Maria Callas' });
    expect(hit?.document.text).toBe(text);
  }, 180_000);

  test('a source that pauses does not hold back what it gave', async () => {
    await using retriever = await open();
    let resume: () => void = () => undefined;
    const paused = new Promise<void>((resolve) => {
      resume = resolve;
    });
    const [first, second] = documents(2) as [Document, Document];
    const run = retriever.add(
      (async function* () {
        yield first;
        await paused;
        yield second;
      })(),
    );
    for await (const { documents: count } of run) if (count === 1) break;
    expect((await collect(retriever.searchAll('car'))).map(({ id }) => id)).toEqual(['d0']);
    resume();
    expect((await run).documents).toBe(2);
  });

  test('a source that breaks loses nothing that it gave before', async () => {
    await using retriever = await open();
    const run = retriever.add(
      (async function* () {
        yield* documents(10);
        throw new Error('the network is gone');
      })(),
    );
    await expect(Promise.resolve(run)).rejects.toThrow('the network is gone');
    expect(retriever.info().documents).toBe(10);
  });

  test('a run that fails while its reader is busy tells the reader', async () => {
    await using retriever = await open();
    const run = retriever.add(
      (async function* () {
        yield* documents(1500);
        throw new Error('the network is gone');
      })(),
    );
    const read = (async () => {
      for await (const { documents: count } of run) if (count > 0) await sleep(300);
    })();
    await expect(read).rejects.toThrow('the network is gone');
  });

  test('an aborted run throws the reason, leaves the index whole, and may be made again', async () => {
    await using retriever = await open();
    const stop = new AbortController();
    let returned = false;
    async function* endless() {
      try {
        for (let round = 0; ; round += 1) for (const one of documents(1000)) yield { ...one, id: `${round} ${one.id}` };
      } finally {
        returned = true;
      }
    }
    const run = retriever.add(endless(), { signal: stop.signal });
    const reason = new Error('enough');
    const aborted = expect(Promise.resolve(run)).rejects.toBe(reason);
    for await (const { documents: count } of run) {
      if (count > 0) break;
    }
    stop.abort(reason);
    await aborted;
    expect(returned).toBe(true);
    const { documents: count, mentions } = retriever.info();
    expect(count).toBeGreaterThan(0);
    expect(mentions).toBe(count);
    expect(await collect(retriever.searchAll('car'))).toHaveLength(count);
    expect((await retriever.add(documents(5))).documents).toBe(5);
  });

  test('close waits for a run under way', async () => {
    const retriever = await open();
    const run = retriever.add(documents(500));
    await retriever.close();
    expect((await run).documents).toBe(500);
    expect(() => retriever.info()).toThrow(/closed/);
    expect((await failure(retriever.search('car'))).code).toBe('CLOSED');
    expect(() => retriever.add([])).toThrow(/closed/);
  });
});

describe('what is refused', () => {
  test('options are checked, none is misspelled in silence', async () => {
    expect((await failure(open({ modle: 'x' } as never))).code).toBe('OPTION_UNKNOWN');
    expect((await failure(open({ precision: 'float8' as never }))).code).toBe('OPTION_INVALID');
    expect((await failure(Retriever.open(index, { create: true, readOnly: true }))).code).toBe('OPTION_INVALID');
    await using retriever = await open();
    expect((await failure(retriever.search('car', { limit: 0 }))).code).toBe('OPTION_INVALID');
    expect((await failure(retriever.search('car', { minscore: 1 } as never))).code).toBe('OPTION_UNKNOWN');
    expect(() => retriever.add([], { mentions: 'none' as never })).toThrow(/given or detect/);
    expect(() => retriever.add('text' as never)).toThrow(/iterable/);
    expect((await failure(collect(retriever.searchAll('car', { limit: 3 } as never)))).code).toBe('OPTION_UNKNOWN');
  });

  test('no index, something else, another model, a model that is gone', async () => {
    expect((await failure(Retriever.open(index))).code).toBe('INDEX_NOT_FOUND');
    const folder = join(directory, 'photos');
    await mkdir(folder);
    await writeFile(join(folder, 'a.jpg'), '');
    expect((await failure(Retriever.open(folder, { create: true, model }))).code).toBe('NOT_AN_INDEX');

    const moved = join(directory, 'model');
    const other = join(directory, 'other-model');
    await cp(model, moved, { recursive: true });
    await cp(model, other, { recursive: true });
    const description = JSON.parse(await readFile(join(other, 'model.json'), 'utf8'));
    await writeFile(join(other, 'model.json'), JSON.stringify({ ...description, name: 'other', pooling: 'mean' }));
    await (await open({ model: moved })).close();
    const mismatch = await failure(Retriever.open(index, { model: other }));
    expect(mismatch.code).toBe('INDEX_MODEL_MISMATCH');
    expect(mismatch.message).toMatch(/tiny-random .*sha256:.*other .*sha256:/);

    await rename(moved, join(directory, 'elsewhere'));
    const missing = await failure(Retriever.open(index));
    expect(missing.code).toBe('INDEX_MODEL_MISSING');
    expect(missing.message).toContain('--model');
    await (await Retriever.open(index, { model: join(directory, 'elsewhere') })).close();
  });

  test('a second writer, and writing with readOnly', async () => {
    await using retriever = await open();
    await using second = await Retriever.open(index, { workers: 1 });
    await using reader = await Retriever.open(index, { readOnly: true });
    const run = retriever.add(documents(500));
    expect((await failure(second.add(documents(1)))).code).toBe('INDEX_LOCKED');
    expect(() => reader.add([])).toThrow(/readOnly/);
    await run;
    expect((await second.add(documents(501))).documents).toBe(1);
    expect(await collect(reader.searchAll('car'))).toHaveLength(501);
  });
});

/** Indexes a file in a process of its own. */
function indexInChild(file: string): ChildProcess {
  const core = import.meta.resolve('@ner-retriever/core');
  return spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { readJsonLines, Retriever } from ${JSON.stringify(core)};
       const retriever = await Retriever.open(${JSON.stringify(index)}, { create: true, model: ${JSON.stringify(model)}, workers: 1 });
       try {
         const summary = await retriever.add(readJsonLines(${JSON.stringify(file)}));
         console.log(summary.documents + ' ' + summary.unchanged);
       } catch (error) {
         console.error(error.code + ' ' + error.message);
         process.exitCode = 1;
       }
       await retriever.close();`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
}

async function ended(child: ChildProcess): Promise<{ code: number | null; output: string; errors: string }> {
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output, errors })));
}

describe('disks', () => {
  const small = mountSmall();
  test.skipIf(!small)('an index on a disk that cannot be written is searched all the same', async () => {
    const retriever = await open();
    await retriever.add(documents(20));
    const expected = await answers(retriever);
    await retriever.close();
    const disk = join(directory, 'disk');
    await mkdir(disk);
    const unmount = (small as (at: string, megabytes: number) => () => void)(disk, 8);
    try {
      const copy = join(disk, 'copy.index');
      await cp(index, copy, { recursive: true });
      for (const suffix of ['-wal', '-shm']) await rm(join(copy, `catalog.sqlite${suffix}`), { force: true });
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      await using reader = await Retriever.open(copy);
      expect(await answers(reader)).toEqual(expected);
      expect((await failure(reader.add(documents(21)))).code).toBe('INDEX_READ_ONLY');
    } finally {
      unmount();
    }
  });
});

describe('processes that die', () => {
  test('killed at ten random moments, then run again: each document once, the answers of an index never killed', async () => {
    const all = documents(8000);
    const file = join(directory, 'all.jsonl');
    await writeFile(file, jsonLines(all));

    const untouched = await open();
    const startedAt = performance.now();
    await untouched.add(readJsonLines(file));
    const durationMs = performance.now() - startedAt;
    const expected = await answers(untouched);
    await untouched.close();

    index = join(directory, 'killed.index');
    for (let kill = 0; kill < 10; kill += 1) {
      const child = indexInChild(file);
      const end = ended(child);
      // From before the folder is made to about when all is done.
      await sleep(100 + Math.random() * (durationMs / 2 + 500));
      child.kill('SIGKILL');
      await end;
    }
    const { code, output, errors } = await ended(indexInChild(file));
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    const [added, unchanged] = output.split(' ').map(Number) as [number, number];
    expect(added + unchanged).toBe(all.length);

    await using retriever = await Retriever.open(index, { readOnly: true });
    expect(retriever.info()).toMatchObject({ documents: all.length, mentions: all.length });
    expect(await answers(retriever)).toEqual(expected);
  }, 180_000);

  const small = mountSmall();
  test.skipIf(!small)(
    'a full disk: what was acknowledged stays, and with more space the same command goes on',
    async () => {
      const mount = small as (at: string, megabytes: number) => () => void;
      const all = documents(20_000).map((one) => ({ ...one, text: `${one.text} ${'and so on '.repeat(40)}` }));
      const file = join(directory, 'all.jsonl');
      await writeFile(file, jsonLines(all));
      const disk = join(directory, 'disk');
      await mkdir(disk);
      const unmount = mount(disk, 8);
      try {
        index = join(disk, 'index');
        const full = await ended(indexInChild(file));
        expect(full.errors).toMatch(/^DISK_FULL .*run the same command again/);
        const before = await Retriever.open(index, { readOnly: true });
        const { documents: acknowledged } = before.info();
        expect(acknowledged).toBeGreaterThan(0);
        expect(await collect(before.searchAll('car'))).toHaveLength(acknowledged);
        await before.close();
        execFileSync('mount', ['-o', 'remount,size=200m', disk]);
        const { output, errors } = await ended(indexInChild(file));
        expect(errors).toBe('');
        expect(output.trim()).toBe(`${all.length - acknowledged} ${acknowledged}`);
      } finally {
        unmount();
      }
    },
    180_000,
  );
});

/** Mounts a disk of a few megabytes, where this user may; undefined elsewhere. */
function mountSmall(): ((at: string, megabytes: number) => () => void) | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  const probe = join(tmpdir(), `mount-probe-${process.pid}`);
  const mount = (at: string, megabytes: number) => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', at], { stdio: 'ignore' });
    return () => void execFileSync('umount', ['-l', at], { stdio: 'ignore' });
  };
  try {
    execFileSync('mkdir', [probe]);
    mount(probe, 1)();
    return mount;
  } catch {
    return undefined;
  } finally {
    execFileSync('rm', ['-rf', probe]);
  }
}

test('documents are indexed by the mentions of a detector, and again by those of another', async () => {
  const detectorOf = (name: string, word: string) => ({
    name,
    detect: async (texts: readonly string[]) =>
      texts.map((text) => [
        { start: text.indexOf(word), end: text.indexOf(word) + word.length, text: word, score: 0.5 },
      ]),
    close: async () => {},
  });
  const texts = [{ id: 'a', text: 'Microraptor was found in Liaoning.' }];
  const evidence = async (detector: ReturnType<typeof detectorOf>) => {
    await using retriever = await open({ detector });
    const { documents: added, unchanged } = await retriever.add(texts);
    const { hits } = await retriever.search('dinosaur');
    return { added, unchanged, mentions: hits.map(({ mention }) => [mention.text, mention.score]) };
  };
  const first = detectorOf('first', 'Microraptor');
  expect(await evidence(first)).toEqual({ added: 1, unchanged: 0, mentions: [['Microraptor', 0.5]] });
  expect(await evidence(first)).toEqual({ added: 0, unchanged: 1, mentions: [['Microraptor', 0.5]] });
  expect(await evidence(detectorOf('second', 'Liaoning'))).toEqual({
    added: 1,
    unchanged: 0,
    mentions: [['Liaoning', 0.5]],
  });
});

test('a text that comes again in a run is read once; each of its documents is there', async () => {
  const read: string[] = [];
  const detector = {
    name: 'counting',
    detect: async (texts: readonly string[]) => {
      read.push(...texts);
      return texts.map(() => [{ start: 0, end: 11, text: 'Microraptor', score: 0.5 }]);
    },
    close: async () => {},
  };
  await using retriever = await open({ detector });
  const texts = ['Microraptor was found in Liaoning.', 'Microraptor had four wings.'];
  const all = Array.from({ length: 5000 }, (_, place) => ({ id: `d${place}`, text: texts[place % 2] as string }));
  const { documents: added, mentions } = await retriever.add(all);
  expect([added, mentions, read]).toEqual([5000, 5000, texts]);
  const found = await collect(retriever.searchAll('dinosaur'));
  expect(found.length).toBe(5000);
  expect(new Set(found.map(({ score }) => score)).size).toBe(2);
});
