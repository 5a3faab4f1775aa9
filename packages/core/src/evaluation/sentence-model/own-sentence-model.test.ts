import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Embedder } from '@ner-retriever/core';
import { evaluate, openOwnSentenceModel, readMulticoner2 } from '@ner-retriever/core/evaluation';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = new URL('../../../../../test/', import.meta.url);
const tinyModel = fileURLToPath(new URL('fixtures/tiny-model', root));
const excerpt = fileURLToPath(new URL('../fixtures/multiconer2-en-excerpt.conll', import.meta.url));

interface Golden {
  readonly texts: string[];
  readonly queries: string[];
  readonly vectors: { readonly own: { readonly documents: number[][]; readonly queries: number[][] } };
}
const golden = JSON.parse(await readFile(new URL('golden/sentences/sentences.json', root), 'utf8')) as Golden;

/** The tiny model with a copy of its head as its sentence head. */
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ner-retriever-own-sentences-'));
  await cp(tinyModel, directory, { recursive: true });
  const head = await readFile(join(directory, 'head.safetensors'));
  await writeFile(join(directory, 'sentence-head.safetensors'), head);
  const description = JSON.parse(await readFile(join(directory, 'model.json'), 'utf8'));
  const sha256 = createHash('sha256').update(head).digest('hex');
  description.files['sentence-head.safetensors'] = { bytes: head.length, sha256 };
  await writeFile(join(directory, 'model.json'), JSON.stringify(description));
});
afterAll(() => rm(directory, { recursive: true }));

test('the mean of the tap over own tokens through the head, as float64 has it; the mention model is the same', async () => {
  await using embedder = await Embedder.open(directory, { workers: 1 });
  await using plain = await Embedder.open(tinyModel, { workers: 1 });
  expect(embedder.model.fingerprint).toBe(plain.model.fingerprint);
  expect(await openOwnSentenceModel(plain.model)).toBeNull();

  const model = await openOwnSentenceModel(embedder.model);
  for (const [kind, texts] of [
    ['document', golden.texts],
    ['query', golden.queries],
  ] as const) {
    const found = await model?.embed(texts, kind);
    const expected = golden.vectors.own[kind === 'query' ? 'queries' : 'documents'].flat();
    expect([...(found?.data ?? [])]).toEqual(expected.map((value) => expect.closeTo(value, 5)));
  }
  await model?.close();
});

test('a model that has one is measured beside it', async () => {
  await using embedder = await Embedder.open(directory, { workers: 1 });
  const { systems } = await evaluate(await readMulticoner2([excerpt]), embedder);
  expect(systems.map(({ system }) => system)).toEqual([
    'retriever',
    'tap-without-head',
    'bm25',
    'hybrid',
    'own-sentence',
  ]);
  expect(systems[4]?.measures?.recallAt[1000]).toBe(1);
});
