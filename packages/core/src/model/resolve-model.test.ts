import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// The built package: its encoder threads need files that are JavaScript.
import { Embedder, Retriever } from '@ner-retriever/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HubServer } from '../../test-support/hub-server.js';

const commit = '0123456789abcdef0123456789abcdef01234567';
const id = 'tiny-org/prepared';
const tiny = new URL('../../../../test/fixtures/tiny-model/', import.meta.url);

let hub: HubServer;
let home: string;
let index: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'resolve-'));
  index = join(home, 'wiki.index');
  hub = new HubServer();
  await hub.open();
  for (const name of Object.keys(process.env)) if (/^(HF_|HUGGING|XDG_CACHE)/.test(name)) vi.stubEnv(name, undefined);
  vi.stubEnv('HF_HOME', join(home, 'first'));
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
  const names = (await readdir(tiny)).filter((name) => name !== 'README.md');
  const files = await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, tiny))] as const));
  hub.repositories[id] = { commit, files: Object.fromEntries(files) };
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  await rm(home, { recursive: true });
});

const open = (options: Parameters<typeof Retriever.open>[1] = {}) => Retriever.open(index, { workers: 1, ...options });

async function best(retriever: Retriever) {
  const { hits } = await retriever.search('dinosaur');
  await retriever.close();
  return hits.map(({ id, score }) => ({ id, score }));
}

test('an index of a model from the hub opens without the hub, and again where the cache is gone', async () => {
  const retriever = await open({ create: true, model: id });
  await retriever.add([
    { id: 'd1', text: 'Microraptor was found in Liaoning.', mentions: [{ start: 0, end: 11 }] },
    { id: 'd2', text: 'Maria Callas sang in Athens.', mentions: [{ start: 0, end: 12 }] },
  ]);
  const hits = await best(retriever);
  expect(hits.length).toBe(2);

  hub.seen.length = 0;
  expect(await best(await open())).toEqual(hits);
  expect(hub.seen).toEqual([]);

  // Not the branch, which may have moved on: the commit that made the index.
  await rm(join(home, 'first'), { recursive: true });
  vi.stubEnv('HF_HOME', join(home, 'second'));
  expect(await best(await open())).toEqual(hits);
  expect(hub.seen[0]?.path).toBe(`/api/models/${id}/revision/${commit}`);
  expect(await best(await open({ model: id }))).toEqual(hits);
});

test('a repository that holds no prepared model names the command that prepares it', async () => {
  hub.repositories['tiny-org/raw'] = { commit, files: { 'config.json': '{}', 'onnx/model.onnx': 'x' } };
  await expect(Embedder.open('tiny-org/raw')).rejects.toMatchObject({
    code: 'MODEL_NOT_PREPARED',
    message: expect.stringContaining('ner-retriever model prepare tiny-org/raw --block N --out DIR'),
  });
  await expect(open({ create: true, model: 'tiny-org/raw' })).rejects.toMatchObject({ code: 'MODEL_NOT_PREPARED' });
});

test('a folder that is not there is still a folder', async () => {
  await expect(Embedder.open(join(home, 'nowhere'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  await expect(Embedder.open('./nowhere')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  expect(hub.seen).toEqual([]);
});
