import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Document, Embedder, Retriever } from '@ner-retriever/core';
import { prepareModel } from '@ner-retriever/core/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomNumbers } from '../../packages/core/dist/evaluation/random-numbers.js';
import type { LinearLayer } from '../../packages/core/dist/projection/head-layers.js';
import { readHead } from '../../packages/core/dist/projection/read-projection.js';
import { writeHead } from '../../packages/core/dist/projection/write-head.js';
import { dot, Float64Llama, projectedInFloat64 } from '../support/llama/float64-llama.ts';
import type { LlamaShape } from '../support/llama/llama-shape.ts';
import { writeLlama } from '../support/llama/write-llama.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const command = join(root, 'packages/cli/bin/ner-retriever.js');
/** The published head lies beside the repository where the data does. */
const published = join(
  process.env.NER_RETRIEVER_DATA ?? join(root, '../shared/data'),
  'reference-head/contrastive_projection_head.pth',
);

/** Llama 3.1 8B's value projection (8 heads of 128) on a narrow, short model. */
const shape: LlamaShape = {
  hidden: 128,
  heads: 16,
  keyValueHeads: 8,
  headSize: 128,
  intermediate: 256,
  blocks: 3,
  vocabulary: 257,
  dtype: 'float32',
  seed: 17,
};
const block = 2;

/** Types and the names to be found, some of them beyond ASCII. */
const types = ['dinosaur', 'operatic soprano', 'city by the sea'];
const names = ['Microraptor', 'Maria Callas', 'São Paulo', '東京', 'Æthelred II', 'the 🦖 room'];
const documents: Document[] = Array.from({ length: 18 }, (_, number) => {
  const found = [names[number % names.length] as string, names[(number * 5 + 2) % names.length] as string];
  const text = `${number}: ${found[0]} met ${found[1]}.`;
  const mentions = [...new Set(found)].map((name) => {
    const start = text.lastIndexOf(name);
    return { start, end: start + name.length };
  });
  return { id: `d${number}`, text, mentions };
});

const folder = mkdtempSync(join(tmpdir(), 'ner-retriever-e2e-'));
const at = (name: string) => join(folder, name);
const run = (...words: string[]) => execFileSync(process.execPath, [command, ...words], { encoding: 'utf8' });
const reference = new Float64Llama(shape);
/** Of each document's mentions and of each type: the value vector of its last byte, whose text it may look back on. */
const expectedMentions = documents.map(({ text, mentions = [] }) => {
  const rows = reference.values(text, block);
  return mentions.map(({ end }) => rows[Buffer.byteLength(text.slice(0, end))] as Float64Array);
});
const expectedTypes = types.map((type) => reference.values(type, block).at(-1) as Float64Array);

beforeAll(async () => {
  await writeLlama(at('llama'), shape);
  writeFileSync(at('documents.jsonl'), documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
  writeFileSync(at('types.txt'), types.map((type) => `${type}\n`).join(''));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  { name: 'a random head of the published shape (.safetensors)', short: 'random', file: at('head.safetensors') },
  { name: 'the published head (.pth)', short: 'published', file: published },
])("the paper's pipeline on a small Llama with $name", ({ short, file }) => {
  const absent = short === 'published' && !existsSync(published);
  const model = at(`${short}-model`);
  const index = at(`${short}.index`);
  let layers: readonly LinearLayer[];

  beforeAll(async () => {
    if (absent) return;
    layers = short === 'published' ? await readHead(published) : randomHead();
    if (short === 'random') await writeHead(file, layers);
    run('model', 'prepare', at('llama'), '--block', String(block), '--head', file, '--out', model);
    run('index', at('documents.jsonl'), '--index', index, '--model', model, '--mentions', 'given');
  });
  const inFloat64 = (row: Float64Array) => projectedInFloat64(row, layers);

  test('vectors of mentions and types equal float64 arithmetic to 1e-6', async ({ skip }) => {
    skip(absent, 'the published head is not on this machine (NER_RETRIEVER_DATA)');
    await using embedder = await Embedder.open(model, { workers: 1 });
    const mentions = await embedder.embedMentions(documents);
    const descriptions = await embedder.embedTypes(types);
    expect([mentions.matrix.columns, descriptions.columns]).toEqual([500, 500]);
    expect(greatestDifference(mentions.matrix.data, expectedMentions.flat().map(inFloat64))).toBeLessThan(1e-6);
    expect(greatestDifference(descriptions.data, expectedTypes.map(inFloat64))).toBeLessThan(1e-6);
  });

  test('search ranks as float64 scores do, with the mention that is the evidence', ({ skip }) => {
    skip(absent, 'the published head is not on this machine (NER_RETRIEVER_DATA)');
    const lines = run('search', '--types', at('types.txt'), '--index', index, '--all', '--jsonl').trim().split('\n');
    const hits = lines.map((line) => JSON.parse(line));
    const vectors = expectedMentions.map((mentions) => mentions.map(inFloat64));
    for (const [place, type] of types.entries()) {
      const query = inFloat64(expectedTypes[place] as Float64Array);
      const ranked = documents
        .map(({ id, mentions = [] }, number) => {
          const scores = (vectors[number] as Float64Array[]).map((vector) => dot(query, vector));
          const score = Math.max(...scores);
          return { id, score, mention: mentions[scores.indexOf(score)] };
        })
        .sort((one, other) => other.score - one.score);
      const found = hits.filter((hit) => hit.type === type);
      expect(found.map(({ id }) => id)).toEqual(ranked.map(({ id }) => id));
      for (const [rank, hit] of found.entries()) {
        expect(hit.mention).toMatchObject(ranked[rank]?.mention as object);
        expect(hit.score).toBeCloseTo(ranked[rank]?.score as number, 5);
      }
    }
  });

  test('the index refuses the same Llama cut at another block, naming both fingerprints', async ({ skip }) => {
    skip(absent, 'the published head is not on this machine (NER_RETRIEVER_DATA)');
    const other = at(`${short}-other`);
    await prepareModel(at('llama'), { block: block - 1, head: file, out: other });
    const [fingerprint, otherFingerprint] = [model, other].map(
      (directory) => JSON.parse(run('model', 'info', directory, '--json')).fingerprint,
    );
    expect(otherFingerprint).not.toBe(fingerprint);
    await expect(Retriever.open(index, { model: other })).rejects.toMatchObject({
      code: 'INDEX_MODEL_MISMATCH',
      details: { expected: fingerprint, received: otherFingerprint },
    });
    const words = ['search', 'dinosaur', '--index', index, '--model', other];
    const { status, stderr } = spawnSync(process.execPath, [command, ...words], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain(fingerprint);
    expect(stderr).toContain(otherFingerprint);
  });
});

test('a Llama with float16 weights is cut too, and gives the values of its rounded weights to 0.2 %', async () => {
  const half: LlamaShape = { ...shape, dtype: 'float16' };
  await writeLlama(at('llama-half'), half);
  await prepareModel(at('llama-half'), { block, out: at('half-model') });
  await using embedder = await Embedder.open(at('half-model'), { workers: 1 });
  const { data } = await embedder.embedTypes(types, { raw: true });
  const rounded = new Float64Llama(half);
  for (const [place, type] of types.entries()) {
    const expected = rounded.values(type, block).at(-1) as Float64Array;
    const difference = expected.map((value, i) => value - (data[place * expected.length + i] as number));
    expect(Math.hypot(...difference) / Math.hypot(...expected)).toBeLessThan(0.002);
  }
});

/** Layers of the published head's sizes, 1024 → 500 → 500. */
function randomHead(): LinearLayer[] {
  const random = randomNumbers(4011);
  return [1024, 500].map((inputDimensions) => {
    const values = (length: number) =>
      Float32Array.from({ length }, () => (2 * random() - 1) * Math.sqrt(3 / inputDimensions));
    return { weight: values(500 * inputDimensions), bias: values(500), inputDimensions, outputDimensions: 500 };
  });
}

function greatestDifference(received: Float32Array, expected: readonly Float64Array[]): number {
  const values = expected.flatMap((row) => [...row]);
  expect(received.length).toBe(values.length);
  return Math.max(...values.map((value, i) => Math.abs(value - (received[i] as number))));
}
