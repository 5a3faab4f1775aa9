import { fileURLToPath } from 'node:url';
import { Embedder } from '@ner-retriever/core';
import { evaluateDetection, readWnut17 } from '@ner-retriever/core/evaluation';
import { expect, test, vi } from 'vitest';
import type { ModelDescription } from '../model/model-description.js';
import type { LabelledCorpus } from './labelled-corpus.js';
import { measureDetection } from './measure-detection.js';

const tinyModel = fileURLToPath(new URL('../../../../test/fixtures/tiny-model', import.meta.url));
const excerpt = fileURLToPath(new URL('./fixtures/wnut17-test-excerpt.conll', import.meta.url));

test('what is measured is what the embedder detects, at the threshold that was asked for', async () => {
  await using embedder = await Embedder.open(tinyModel, { workers: 1 });
  const corpus = await readWnut17([excerpt]);
  const texts = corpus.documents.map(({ text }) => text);
  const counts: number[] = [];
  for (const threshold of [undefined, 0]) {
    const options = threshold === undefined ? {} : { threshold };
    const report = await evaluateDetection(corpus, embedder, options);
    const detected = await embedder.detect(texts, options);
    const documents = corpus.documents.map(({ text, mentions }, place) => ({
      text,
      gold: mentions,
      detected: detected[place] ?? [],
    }));
    expect(report).toMatchObject({
      dataset: 'wnut17',
      documents: 18,
      threshold: threshold ?? embedder.model.description.detector?.threshold,
      detector: `${embedder.model.description.name} ${embedder.model.description.version}`,
      model: { fingerprint: embedder.model.fingerprint },
      ...measureDetection(documents),
    });
    counts.push(report.mentions.detected);
  }
  expect(counts[0]).not.toBe(counts[1]);
});

test('every document meets its own mentions, however many parts the corpus is read in', async () => {
  const description = { name: 'by-hand', version: '1', detector: { threshold: 0.25 } } as unknown as ModelDescription;
  const corpus: LabelledCorpus = {
    name: 'by hand',
    types: [],
    documents: Array.from({ length: 2500 }, (_, place) => ({
      id: String(place),
      text: 'x'.repeat(1 + (place % 7)),
      mentions: [{ start: 0, end: 1 + (place % 7), types: [] }],
    })),
  };
  const onProgress = vi.fn();
  const whole = async (texts: readonly string[]) => texts.map((text) => [{ start: 0, end: text.length }]);
  const detector = { model: { description, fingerprint: 'sha256:0' }, detect: whole };
  expect(await evaluateDetection(corpus, detector, { onProgress })).toMatchObject({
    threshold: 0.25,
    mentions: { gold: 2500, detected: 2500 },
    exact: { f1: 1 },
  });
  expect(onProgress.mock.calls.map(([{ documents, mentions }]) => [documents, mentions])).toEqual([
    [1024, 1024],
    [2048, 2048],
    [2500, 2500],
  ]);
});

test('any detector is measured, alone or as that of an embedder', async () => {
  const corpus: LabelledCorpus = {
    name: 'by hand',
    types: [],
    documents: [{ id: 'a', text: 'Oslo and Rome', mentions: [{ start: 0, end: 4, types: [] }] }],
  };
  const detect = vi.fn(async (texts: readonly string[]) =>
    texts.map((text) => [{ start: 0, end: 4, text: text.slice(0, 4) }]),
  );
  const detector = { name: 'first four', detect, close: async () => {} };
  const expected = { detector: 'first four', model: null, threshold: null, fuzzyRecall: 1, exact: { f1: 1 } };
  expect(await evaluateDetection(corpus, detector)).toMatchObject(expected);
  expect(detect).toHaveBeenLastCalledWith(['Oslo and Rome'], {});
  expect(await evaluateDetection(corpus, detector, { threshold: 0.5 })).toMatchObject({ ...expected, threshold: 0.5 });
  expect(detect).toHaveBeenLastCalledWith(['Oslo and Rome'], { threshold: 0.5 });

  await using embedder = await Embedder.open(tinyModel, { workers: 1, detector });
  expect(await evaluateDetection(corpus, embedder)).toMatchObject(expected);
});

test('a model without a detector is refused', async () => {
  const description = { name: 'by-hand', detector: null } as unknown as ModelDescription;
  const detector = { model: { description, fingerprint: 'sha256:0' }, detect: async () => [] };
  const corpus = { name: 'empty', types: [], documents: [] };
  await expect(evaluateDetection(corpus, detector)).rejects.toMatchObject({ code: 'DETECTOR_MISSING' });
});
