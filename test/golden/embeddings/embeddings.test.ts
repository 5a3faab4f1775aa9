import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Embedder } from '@ner-retriever/core';
import { afterAll, beforeAll, expect, test } from 'vitest';

interface Golden {
  readonly encoder: string;
  readonly threshold: number;
  readonly documents: readonly {
    readonly text: string;
    readonly tokens: number;
    readonly spans: readonly { start: number; end: number; raw: number[]; projected: number[] }[];
    readonly detected: readonly { start: number; end: number; score: number }[];
  }[];
}

const golden: Golden = JSON.parse(readFileSync(new URL('embeddings.json', import.meta.url), 'utf8'));
const model = fileURLToPath(new URL('../../fixtures/tiny-model', import.meta.url));
const documents = golden.documents.map(({ text, spans }) => ({ text, mentions: spans }));

let embedder: Embedder;
beforeAll(async () => {
  embedder = await Embedder.open(model, { workers: 1 });
});
afterAll(() => embedder.close());

test('the goldens are of this model (if not, run make_embeddings.py)', () => {
  expect(embedder.model.description.files['encoder.onnx']?.sha256).toBe(golden.encoder);
});

test.each(['raw', 'projected'] as const)('%s vectors of mentions are those of Python', async (kind) => {
  const embedded = await embedder.embedMentions(documents, { raw: kind === 'raw' });
  const expected = golden.documents.flatMap(({ spans }) => spans.flatMap((span) => span[kind]));
  expect(embedded.matrix.data.length).toBe(expected.length);
  const greatest = Math.max(...expected.map((value, i) => Math.abs(value - (embedded.matrix.data[i] as number))));
  expect(greatest).toBeLessThan(kind === 'raw' ? 1e-4 : 1e-5);
  expect(embedded.documents.map(({ tokens }) => tokens)).toEqual(golden.documents.map(({ tokens }) => tokens));
});

test('detected mentions are those of Python', async () => {
  const detected = await embedder.detect(
    golden.documents.map(({ text }) => text),
    { threshold: golden.threshold },
  );
  for (const [i, document] of golden.documents.entries()) {
    const spans = (mentions: readonly { start: number; end: number }[]) =>
      mentions.map(({ start, end }) => [start, end]);
    expect(spans(detected[i] ?? []), document.text).toEqual(spans(document.detected));
    for (const [k, { score }] of document.detected.entries()) expect(detected[i]?.[k]?.score).toBeCloseTo(score, 4);
  }
});
