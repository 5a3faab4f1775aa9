import { expect, test, vi } from 'vitest';
import type { ModelDescription } from '../model/model-description.js';
import { evaluate, type MeasuredEmbedder } from './evaluate.js';
import type { LabelledCorpus } from './labelled-corpus.js';

const corpus: LabelledCorpus = {
  name: 'by hand',
  types: [
    { type: 'Food', query: 'Food', other: false },
    { type: 'OtherPROD', query: 'Product - Other', other: true },
  ],
  documents: [
    { id: 'a', text: 'apple', mentions: [{ start: 0, end: 5, types: ['Food'] }] },
    {
      id: 'b',
      text: 'bread and food',
      mentions: [
        { start: 0, end: 5, types: ['Food'] },
        { start: 6, end: 6, types: ['Food'] },
      ],
    },
    { id: 'c', text: 'chair', mentions: [{ start: 0, end: 5, types: ['OtherPROD'] }] },
  ],
};

/** Vectors by hand, not normalised: what is long is not near. */
const vectors: Readonly<Record<string, readonly [number, number]>> = {
  Food: [2, 0],
  'Product - Other': [0, 0.1],
  apple: [0.5, 0.1],
  bread: [5, 4],
  chair: [9, -2],
};

function embedder(changes: Partial<ModelDescription> = {}): MeasuredEmbedder {
  const matrix = (rows: (readonly [number, number])[]) => ({
    rows: rows.length,
    columns: 2,
    data: Float32Array.from(rows.flat()),
  });
  return {
    model: {
      description: { name: 'by-hand', version: '1', head: null, files: {}, ...changes } as unknown as ModelDescription,
      fingerprint: 'sha256:0',
      path: (name) => name,
    },
    embedTypes: async (descriptions) => matrix(descriptions.map((each) => vectors[each] ?? [0, 0])),
    embedMentions: async (documents) => ({
      matrix: matrix(
        documents.flatMap(({ text, mentions }) =>
          mentions.map(({ start, end }) => vectors[text.slice(start, end)] ?? ([Number.NaN, Number.NaN] as const)),
        ),
      ),
      documents: documents.map(({ mentions }) => ({
        rows: mentions.length,
        skipped: mentions
          .filter(({ start, end }) => start === end)
          .map((span) => ({ ...span, reason: 'empty' as const })),
      })),
      tokens: documents.length,
    }),
  };
}

test('measures a model without head, beside BM25, and counts what could not be embedded', async () => {
  const onProgress = vi.fn();
  const report = await evaluate(corpus, embedder(), { onProgress });
  expect(report).toMatchObject({
    dataset: 'by hand',
    documents: 3,
    mentions: { from: 'given', embedded: 3, skipped: 1 },
    model: { name: 'by-hand', version: '1', fingerprint: 'sha256:0' },
    // By cosine: chair 0.98, apple 0.98 (a little more), bread 0.78. The first two for Food: apple, chair.
    systems: [
      { system: 'retriever', macro: 0.5, macroOther: 0 },
      { system: 'bm25', macro: 0.5, macroOther: 0 },
      // Bread, first for BM25 and third of the vectors, comes before apple, and what is learnt from it leaves apple before chair.
      { system: 'hybrid', macro: 1, macroOther: 0 },
    ],
  });
  expect(report.types[0]).toEqual({
    type: 'Food',
    query: 'Food',
    other: false,
    relevant: 2,
    rPrecision: { retriever: 0.5, bm25: 0.5, hybrid: 1 },
    measures: {
      // Apple, chair, bread: relevant at places 1 and 3. BM25 finds one document, b.
      retriever: expect.objectContaining({ averagePrecision: (1 + 2 / 3) / 2 }),
      hybrid: expect.objectContaining({ averagePrecision: 1 }),
      bm25: expect.objectContaining({ averagePrecision: 0.5, recallAt: { 10: 0.5, 100: 0.5, 1000: 0.5 } }),
    },
    cutOff: {},
  });
  expect(onProgress).toHaveBeenLastCalledWith(
    expect.objectContaining({ documents: 3, totalDocuments: 3, mentions: 3, tokens: 3 }),
  );
});

test("the cut-off, where the model knows where a type ends by the retriever's scores", async () => {
  const cutOff = { intercept: -10, scoreWeight: 18.7, backgroundWeight: 4, typeShare: 0.0067, typeShareWeight: 0.34 };
  const { systems, types } = await evaluate(corpus, embedder({ cutOff }));
  expect(types.map((type) => Object.keys(type.cutOff))).toEqual([['retriever'], ['retriever']]);
  expect(systems.map((system) => system.cutOff?.whole?.types)).toEqual([1, undefined, undefined]);
});
