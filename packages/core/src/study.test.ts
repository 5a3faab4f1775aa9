import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Embedder } from '@ner-retriever/core';
import { evaluate, readMulticoner2 } from '@ner-retriever/core/evaluation';
import { prepareModel } from '@ner-retriever/core/model';
import { type StudyReport, study, studyPoolings } from '@ner-retriever/core/study';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabelledCorpus } from './evaluation/labelled-corpus.js';
import { normaliseRows } from './evaluation/normalise-rows.js';
import { randomNumbers } from './evaluation/random-numbers.js';
import { typePairs } from './evaluation/type-pairs.js';
import { drawDocuments } from './study/draw-documents.js';
import { mentionTypes } from './study/mention-types.js';

const source = fileURLToPath(new URL('../../../test/fixtures/graphs/stories260k-genai', import.meta.url));
const seed = 5;
const pairs = 400;

let corpus: LabelledCorpus;
let report: StudyReport;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'study-'));
  corpus = await readMulticoner2([
    fileURLToPath(new URL('./evaluation/fixtures/multiconer2-en-excerpt.conll', import.meta.url)),
  ]);
  report = await study(source, corpus, { seed, pairs, workers: 1 });
});
afterAll(() => rmSync(folder, { recursive: true }));

test('every sub-layer of every block is measured under every pooling', () => {
  expect(report.cells).toHaveLength(5 * 6 * 4);
  expect(new Set(report.cells.map(({ block, tap, pooling }) => `${block} ${tap} ${pooling}`)).size).toBe(5 * 6 * 4);
  for (const { auc, rPrecision, dimensions, tap, pooling } of report.cells) {
    expect(auc).toBeGreaterThan(0);
    expect(auc).toBeLessThan(1);
    expect(rPrecision).toBeGreaterThanOrEqual(0);
    const width = tap === 'query' ? 128 : 64;
    expect(dimensions).toBe(pooling === 'first+last' ? 2 * width : width);
  }
});

describe.each([
  { block: 2, tap: 'value' },
  { block: 4, tap: 'hidden' },
] as const)('$tap of block $block, one pass for all', ({ block, tap }) => {
  test('is what the model prepared for it alone gives', async () => {
    const { directory } = await prepareModel(source, { block, tap, out: join(folder, `${tap}-${block}`) });
    await using embedder = await Embedder.open(directory, { workers: 1 });
    const cell = report.cells.find((each) => each.block === block && each.tap === tap && each.pooling === 'last');
    const { systems } = await evaluate(corpus, embedder);
    expect(cell?.rPrecision).toBeCloseTo(systems[0]?.macro as number, 10);

    const random = randomNumbers(seed);
    const documents = drawDocuments(corpus.documents, 2000, random);
    const drawn = typePairs(mentionTypes(documents, corpus), pairs, random);
    const { matrix } = await embedder.embedMentions(documents, { raw: true, mentions: 'given' });
    const { columns, data } = normaliseRows(matrix);
    const cosine = ([one, other]: readonly [number, number]) =>
      data
        .subarray(one * columns, (one + 1) * columns)
        .reduce((sum, value, i) => sum + value * (data[other * columns + i] as number), 0);
    let wins = 0;
    for (const same of drawn.same.map(cosine))
      for (const different of drawn.different.map(cosine)) wins += same > different ? 1 : same === different ? 0.5 : 0;
    expect(cell?.auc).toBeCloseTo(wins / pairs ** 2, 3);
  });
});

test('fewer documents may be drawn, the same ones with the same seed', async () => {
  const options = { documents: 20, pairs: 50, workers: 1 };
  const [one, same, other] = [
    await study(source, corpus, { ...options, seed: 1 }),
    await study(source, corpus, { ...options, seed: 1 }),
    await study(source, corpus, { ...options, seed: 2 }),
  ];
  expect(one.documents).toBe(20);
  expect(same.cells).toEqual(one.cells);
  expect(other.cells).not.toEqual(one.cells);
});

test('leaves nothing behind, also where it was stopped', async () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('ner-retriever-study-'));
  const stop = new AbortController();
  const run = study(source, corpus, { signal: stop.signal, onProgress: () => stop.abort(new Error('stopped')) });
  await expect(run).rejects.toThrow('stopped');
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('ner-retriever-study-'))).toEqual(before);
});

test('poolings are those of the study', () => {
  expect(studyPoolings).toEqual(['last', 'first', 'mean', 'first+last']);
});
