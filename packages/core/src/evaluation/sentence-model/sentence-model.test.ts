import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SentenceModel } from '@ner-retriever/core/evaluation';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = new URL('../../../../../test/', import.meta.url);
const fixture = fileURLToPath(new URL('fixtures/sentence-model', root));

interface Golden {
  readonly texts: string[];
  readonly queries: string[];
  readonly vectors: Record<string, Record<'documents' | 'queries' | 'bare', number[][]>>;
}
const golden = JSON.parse(await readFile(new URL('golden/sentences/sentences.json', root), 'utf8')) as Golden;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ner-retriever-sentences-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The fixture with files written over (null: removed). */
async function changed(name: string, files: Readonly<Record<string, unknown>>): Promise<string> {
  const copy = join(folder, name);
  await cp(fixture, copy, { recursive: true });
  for (const [file, content] of Object.entries(files)) {
    if (content === null) await rm(join(copy, file));
    else await writeFile(join(copy, file), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return copy;
}

async function vectors(model: SentenceModel, texts: readonly string[], kind: 'query' | 'document') {
  const { rows, columns, data } = await model.embed(texts, kind);
  return Array.from({ length: rows }, (_, row) => [...data.subarray(row * columns, (row + 1) * columns)]);
}

const near = (expected: readonly (readonly number[])[] = []) =>
  expected.map((row) => row.map((value) => expect.closeTo(value, 5)));

test.each([
  ['mean', {}],
  ['cls', { pooling_mode: 'cls' }],
  ['max', { pooling_mode: 'max' }],
  ['lasttoken', { pooling_mode: 'lasttoken' }],
  // As sentence-transformers wrote it before its version 6.
  ['cls', { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }],
  ['lasttoken', { pooling_mode_lasttoken: true, pooling_mode_cls_token: false, word_embedding_dimension: 16 }],
  ['mean', { pooling_mode_mean_tokens: true }],
])('gives what sentence-transformers gives, with prompts: pooling %s', async (pooling, config) => {
  const written = Object.keys(config).length > 0 ? { '1_Pooling/config.json': config } : {};
  const model = await SentenceModel.open(
    await changed(`pooling-${JSON.stringify(config)}`.replace(/\W/g, ''), written),
  );
  expect(model.pooling).toBe(pooling);
  expect(await vectors(model, golden.texts, 'document')).toEqual(near(golden.vectors[pooling]?.documents));
  expect(await vectors(model, golden.queries, 'query')).toEqual(near(golden.vectors[pooling]?.queries));
  await model.close();
});

test('a folder without pooling and prompts: mean of the last hidden state, bare texts', async () => {
  const model = await SentenceModel.open(
    await changed('bare', {
      'modules.json': null,
      '1_Pooling/config.json': null,
      'config_sentence_transformers.json': null,
      'sentence_bert_config.json': null,
    }),
  );
  expect(await vectors(model, golden.texts, 'document')).toEqual(near(golden.vectors.mean?.bare));
  expect(model.name).toBe('bare');
  await model.close();
});

test('a graph that pools by itself: its sentence_embedding, layers behind the pooling and all', async () => {
  const pooled = await readFile(new URL('golden/sentences/pooled.onnx', root));
  const copy = await changed('pooled', { 'modules.json': [{ type: 'sentence_transformers.models.Dense' }] });
  await writeFile(join(copy, 'onnx/model.onnx'), pooled);
  const model = await SentenceModel.open(copy);
  expect(await vectors(model, golden.queries.slice(0, 1), 'query')).toEqual(near(golden.vectors.pooled?.queries));
  await model.close();
});

test("a text's vector depends on no other text, and what decides vectors is in the fingerprint", async () => {
  const model = await SentenceModel.open(fixture);
  const together = await vectors(model, [...golden.texts, ...golden.texts.toReversed()], 'document');
  expect(together.slice(0, 5)).toEqual(near(together.slice(5).toReversed()));
  expect(await vectors(model, [golden.texts[0] as string], 'document')).toEqual(near(together.slice(0, 1)));
  const other = await SentenceModel.open(await changed('other', { '1_Pooling/config.json': { pooling_mode: 'cls' } }));
  expect(model.fingerprint).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(other.fingerprint).not.toBe(model.fingerprint);
  const controller = new AbortController();
  controller.abort();
  await expect(model.embed(['x'], 'query', { signal: controller.signal })).rejects.toThrow(/abort/i);
  await Promise.all([model.close(), other.close()]);
});

test.each([
  [
    'a pooling that is not known',
    { '1_Pooling/config.json': { pooling_mode: 'weightedmean' } },
    /one pooling of mean, cls, max, lasttoken.*"weightedmean"/,
  ],
  [
    'two poolings side by side',
    { '1_Pooling/config.json': { pooling_mode_cls_token: true, pooling_mode_mean_tokens: true } },
    /it asks for \["cls","mean"\]/,
  ],
  [
    'a prompt that is not pooled',
    { '1_Pooling/config.json': { pooling_mode: 'mean', include_prompt: false } },
    /a pooling that takes the prompt in/,
  ],
  [
    'a layer behind the pooling',
    { 'modules.json': [{ type: 'sentence_transformers.models.Dense' }] },
    /an output sentence_embedding.*optimum-cli export onnx --task sentence-similarity/,
  ],
  ['a broken file', { '1_Pooling/config.json': '{' }, /a 1_Pooling\/config\.json that can be read/],
  ['no tokenizer', { 'tokenizer.json': null }, /tokenizer\.json/],
  ['no graph', { 'onnx/model.onnx': null }, /onnx\/model\.onnx/],
  ['a graph that is none', { 'onnx/model.onnx': 'x' }, /no ONNX graph/],
])('a folder that cannot be used says why: %s', async (name, files, message) => {
  const copy = await changed(name.replace(/\W/g, '-'), files);
  await expect(SentenceModel.open(copy)).rejects.toThrow(message);
});

test('a graph with inputs that a text does not give is refused by their names', async () => {
  const llama = fileURLToPath(new URL('fixtures/graphs/stories260k-torchscript', root));
  await expect(SentenceModel.open(llama)).rejects.toMatchObject({ code: 'MODEL_INPUT_UNKNOWN' });
});
