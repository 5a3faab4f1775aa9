import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Embedder, ProjectionHead } from '@ner-retriever/core';
import { modelWithHead } from '@ner-retriever/core/model';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeHead } from './projection/write-head.js';

const tinyModel = fileURLToPath(new URL('../../../test/fixtures/tiny-model', import.meta.url));
const heads = fileURLToPath(new URL('../../../test/golden/heads/', import.meta.url));

let folder = '';
let head = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ner-retriever-model-with-head-'));
  head = join(folder, 'head.safetensors');
  const weight = Float32Array.from({ length: 5 * 32 }, (_, i) => Math.sin(i));
  const layer = { weight, bias: new Float32Array(5).fill(0.1), inputDimensions: 32, outputDimensions: 5 };
  await writeHead(head, [layer], new Float32Array(32).fill(0.5));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('its vectors are the tap through the new head, and its detector is the old one', async () => {
  const out = join(folder, 'model');
  const model = await modelWithHead(head, { model: tinyModel, out });
  expect(model.description).toMatchObject({ dimensions: 5, head: 'head.safetensors', tap: { dimensions: 32 } });
  expect(model.description).not.toHaveProperty('cutOff');
  await using before = await Embedder.open(tinyModel, { workers: 1 });
  await using after = await Embedder.open(out, { workers: 1 });
  expect(before.model.description).toHaveProperty('cutOff');
  expect(after.model.fingerprint).not.toBe(before.model.fingerprint);
  const types = ['dinosaur', 'operatic soprano'];
  const raw = await before.embedTypes(types, { raw: true });
  const expected = await (await ProjectionHead.load(head)).project(raw);
  expect(await after.embedTypes(types)).toEqual(expected);
  expect(await after.embedTypes(types, { raw: true })).toEqual(raw);
  const texts = ['Emma Carelli sang in Naples.'];
  expect(await after.detect(texts)).toEqual(await before.detect(texts));
});

test('a head of another tap, a folder that is taken and what cannot be read are refused', async () => {
  const out = join(folder, 'refused');
  await expect(modelWithHead(join(heads, 'head.pth'), { model: tinyModel, out })).rejects.toMatchObject({
    code: 'DIMENSIONS_DIFFER',
    message: expect.stringContaining('Expected 32 dimensions'),
  });
  await expect(modelWithHead(join(heads, 'none.pth'), { model: tinyModel, out })).rejects.toMatchObject({
    code: 'HEAD_UNREADABLE',
  });
  await expect(modelWithHead(head, { model: folder, out })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  await expect(modelWithHead(head, { model: tinyModel, out: folder })).rejects.toMatchObject({
    code: 'MODEL_FOLDER_TAKEN',
  });
  await writeFile(join(folder, 'file'), '');
  await expect(modelWithHead(head, { model: tinyModel, out: join(folder, 'file', 'x') })).rejects.toMatchObject({
    code: expect.stringMatching(/MODEL_FOLDER_TAKEN|FILE_UNWRITABLE/),
  });
  expect((await readdir(folder)).filter((name) => /refused|unfinished/.test(name))).toEqual([]);
});
