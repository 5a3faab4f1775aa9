import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { brief, checkIndex } from './check-index.mjs';
import { madeVectors } from './made-documents.mjs';
import { ModelIndex } from './model-index.mjs';
import { seededRandom } from './random.mjs';
import { IndexFolder, NerRetrieverError, parseWhere, Searcher } from './storage.mjs';
import { WriterProcess } from './writer-process.mjs';

const dimensions = 24;
const model = { name: 'made up', version: '1', fingerprint: 'sha256:0', path: null };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'readers-and-writers-'));
  await IndexFolder.create(directory, { model, dimensions, precision: 'int8' });
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

const documents = (first: number, count: number, version: number) =>
  Array.from({ length: count }, (_, index): [string, number] => [`d${first + index}`, version]);

async function done(writer: WriterProcess, operation: object): Promise<void> {
  writer.start(directory, operation);
  await writer.hears('begun');
  await writer.hears('done');
}

test('a second writer is told which process is the first; when that is killed at work, the index is free', async () => {
  const [first, second] = [new WriterProcess(), new WriterProcess()];
  await done(first, { put: documents(0, 50, 1) });
  second.start(directory, {});
  await expect(second.hears('begun')).rejects.toThrow(new RegExp(`INDEX_LOCKED .*process ${first.pid}`));
  const folder = await IndexFolder.open(directory);
  const refused = await folder.openWriter().catch((error: unknown) => error);
  expect(NerRetrieverError.isInstance(refused) && refused.code).toBe('INDEX_LOCKED');
  const put = documents(20, 2000, 2);
  first.start(directory, { put });
  await first.hears('begun');
  await first.kill();
  await done(second, { remove: 'd3' });
  await second.kill();
  const writer = await folder.openWriter();
  await writer.close();
  folder.close();
  const before = new ModelIndex(dimensions).after({ put: documents(0, 50, 1) });
  const states = [before, before.after({ put })].map((state) => state.after({ remove: 'd3' }));
  await checkIndex(directory, states, seededRandom(1));
});

test('searches while another process adds, replaces, deletes and compacts: each answer is that of one state', async () => {
  const random = seededRandom(4);
  const writer = new WriterProcess();
  const states = [new ModelIndex(dimensions).after({ put: documents(0, 600, 1) })];
  await done(writer, { put: documents(0, 600, 1) });
  const folder = await IndexFolder.open(directory);
  const searcher = new Searcher(folder);
  const data = madeVectors(random, 1, dimensions);
  const query = { rows: 1, columns: dimensions, data };
  const where = parseWhere({ lang: 'en' });
  const questions = [
    {
      ask: async () => brief((await searcher.search(query, 10))[0]?.hits ?? []),
      by: (state: ModelIndex) => state.ranking(data).slice(0, 10),
    },
    {
      ask: async () => brief((await searcher.search(query, 10, { where }))[0]?.hits ?? []),
      by: (state: ModelIndex) => state.ranking(data, ({ metadata }) => metadata.lang === 'en').slice(0, 10),
    },
    {
      ask: async () => {
        const hits = [];
        for await (const hit of searcher.searchAll(data)) hits.push(hit);
        return brief(hits);
      },
      by: (state: ModelIndex) => state.ranking(data),
    },
    { ask: async () => folder.get('d7'), by: (state: ModelIndex) => state.document('d7') },
  ];

  let acknowledged = 0;
  let isWriting = true;
  const writing = (async () => {
    for (let round = 0; round < 30; round += 1) {
      const operations = [
        { put: documents(random(800), 1 + random(100), round + 2) },
        { remove: `d${random(600)}` },
        { compact: true },
      ];
      for (const operation of operations) {
        states.push((states.at(-1) as ModelIndex).after(operation));
        await done(writer, operation);
        acknowledged = states.length - 1;
      }
    }
    isWriting = false;
  })();

  const seen = new Set<number>();
  let asked = 0;
  while (isWriting) {
    const oldest = acknowledged;
    const { ask, by } = questions[asked % questions.length] as (typeof questions)[number];
    const answer = await ask();
    const state = states.findIndex((one, place) => place >= oldest && isDeepStrictEqual(by(one), answer));
    expect(state, `${JSON.stringify(answer)} after state ${oldest}`).toBeGreaterThanOrEqual(oldest);
    seen.add(state);
    asked += 1;
    await pause();
  }
  await writing;
  expect(asked).toBeGreaterThan(30);
  expect(seen.size).toBeGreaterThan(10);

  // What compactions took away is held by nobody, once the newest state was searched.
  await searcher.search(query, 1);
  await expect.poll(async () => [await deletedMappings(), await deletedDescriptors()]).toEqual([[], []]);
  folder.close();
  await writer.kill();
}, 120_000);

/** Files of the index that this process has mapped, though they are gone. */
async function deletedMappings(): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  return (await readFile('/proc/self/maps', 'utf8')).split('\n').filter(isDeletedSegment);
}

async function deletedDescriptors(): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const names = await readdir('/proc/self/fd');
  const targets = await Promise.all(names.map((name) => readlink(join('/proc/self/fd', name)).catch(() => '')));
  return targets.filter(isDeletedSegment);
}

const isDeletedSegment = (line: string) => line.includes(join(directory, 'segments')) && line.endsWith('(deleted)');
