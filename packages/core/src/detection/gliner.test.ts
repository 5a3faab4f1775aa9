import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GlinerOptions, openGliner } from '../../dist/detection/gliner.js';
import { changeJson, detectorCopy, detectorFixture, requestsOf } from '../../test-support/detector-folders.js';
import type { Mention } from '../mentions/mention.js';
import type { MentionDetector } from '../mentions/mention-detector.js';

const spanLevel = detectorFixture('gliner-span');
const tokenLevel = detectorFixture('gliner-token');
const labels = ['person', 'location', 'musical group'];

const sentences = [
  'Angela Merkel met Barack Obama in Berlin, and Joe Biden in Washington.',
  'dinosaur',
  '',
  ' \n ',
  '😀 Marie Curie 👩‍🔬 won the Nobel Prize (1903) in Cafe\u0301 Paris 😀',
  '東京 tower stands in Japan\nand مرحبا means hello\tin Cairo',
  'lone \ud83d surrogate',
];
const long = new Array(12).fill(sentences[0]).join(' ');

function expectSame(found: readonly Mention[], expected: readonly Mention[]) {
  expect(found).toEqual(expected.map((mention) => ({ ...mention, score: expect.closeTo(mention.score as number, 4) })));
}

describe.each([
  ['span-level', spanLevel],
  ['token-level', tokenLevel],
])('a %s GLiNER', (_, folder) => {
  let detector: MentionDetector;
  beforeAll(async () => {
    detector = await openGliner(folder, { labels, workers: 2 });
  });
  afterAll(() => detector.close());

  test('a text has the same mentions alone and among others, whatever their order', async () => {
    const texts = [...sentences, long, ...sentences];
    const together = await detector.detect(texts);
    const turned = await detector.detect([...texts].reverse());
    expect(together.flat().length).toBeGreaterThan(20);
    for (const [i, text] of texts.entries()) {
      const [alone] = await detector.detect([text]);
      expectSame(together[i] as Mention[], alone as Mention[]);
      expectSame(turned[texts.length - 1 - i] as Mention[], alone as Mention[]);
    }
  });

  test('short texts share a run', async () => {
    expect(
      await requestsOf(() => detector.detect(new Array(20).fill('dinosaur').map((text, i) => `${text} ${i}`))),
    ).toBe(1);
  });

  test('mentions are pieces of their text, in order, and without overlaps', async () => {
    const texts = [...sentences, long];
    for (const [i, mentions] of (await detector.detect(texts)).entries()) {
      let end = 0;
      for (const mention of mentions) {
        expect(mention.text).toBe(texts[i]?.slice(mention.start, mention.end));
        expect(mention.text).toBe(mention.text.trim());
        expect(mention.start).toBeGreaterThanOrEqual(end);
        expect(texts[i]?.slice(mention.start)).not.toMatch(/^\p{M}/u);
        expect(texts[i]?.slice(mention.end)).not.toMatch(/^\p{M}/u);
        expect(mention.end).toBeGreaterThan(mention.start);
        expect(mention.score).toBeGreaterThanOrEqual(0.5);
        end = mention.end;
      }
    }
  });

  test('a higher threshold keeps only sure mentions; 0 gives every text with words some', async () => {
    const all = await detector.detect(sentences, { threshold: 0 });
    expect(all.map((mentions) => mentions.length > 0)).toEqual([true, true, false, false, true, true, true]);
    let count = Number.POSITIVE_INFINITY;
    for (const threshold of [0.5, 0.83, 1]) {
      const mentions = (await detector.detect(sentences, { threshold })).flat();
      expect(mentions.every(({ score }) => (score as number) >= threshold)).toBe(true);
      expect(mentions.length).toBeLessThan(count);
      count = mentions.length;
    }
    expect(count).toBe(0);
  });

  test('a long text is read to its end', async () => {
    const [mentions = []] = await detector.detect([long]);
    const ends = mentions.map(({ end }) => end);
    expect(ends.some((end) => end > 0.9 * long.length)).toBe(true);
    const gaps = mentions.map(({ start }, i) => start - (ends[i - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(0.25 * long.length);
  });

  test('a word of thousands of characters among others is no hindrance', async () => {
    const [mentions = []] = await detector.detect([`${'q7x'.repeat(3000)} ${sentences[0]}`]);
    expect(mentions.some(({ start }) => start > 9000)).toBe(true);
  });

  test('nested keeps mentions within others', async () => {
    const nested = await openGliner(folder, { labels, nested: true, workers: 1 });
    const [mentions = []] = await nested.detect([sentences[0] as string]);
    await nested.close();
    const [flat = []] = await detector.detect([sentences[0] as string]);
    expect(mentions.length).toBeGreaterThan(flat.length);
    const spans = mentions.map(({ start, end }) => `${start} ${end}`);
    expect(new Set(spans).size).toBe(spans.length);
    for (const a of mentions) {
      for (const b of mentions) {
        expect(a.start < b.start && b.start < a.end && a.end < b.end).toBe(false);
      }
    }
  });

  test('the first of two mentions that begin together is the longer', async () => {
    const nested = await openGliner(folder, { labels, nested: true, workers: 1 });
    for (const mentions of await nested.detect(sentences)) {
      expect(mentions).toEqual([...mentions].sort((a, b) => a.start - b.start || b.end - a.end));
    }
    await nested.close();
  });
});

test('its name says which folder it is of', async () => {
  const detector = await openGliner(tokenLevel, { labels, workers: 1 });
  expect(detector.name).toBe('GLiNER (gliner-token)');
  await detector.close();
});

test('other labels find other mentions', async () => {
  const [one, other] = await Promise.all(
    [['person'], ['prize', 'river']].map((some) => openGliner(spanLevel, { labels: some, workers: 1 })),
  );
  const found = await Promise.all([one, other].map((detector) => (detector as MentionDetector).detect(sentences)));
  await Promise.all([one?.close(), other?.close()]);
  expect(found[0]).not.toEqual(found[1]);
});

test('stops soon after an abort, and calls in flight end when it is closed', async () => {
  const detector = await openGliner(spanLevel, { labels, workers: 1 });
  const controller = new AbortController();
  const call = detector.detect(new Array(2000).fill(long), { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 100);
  const started = performance.now();
  await expect(call).rejects.toThrow('enough');
  expect(performance.now() - started).toBeLessThan(2000);
  const last = detector.detect([long]);
  await Promise.all([detector.close(), last]);
  expect((await last)[0]?.length).toBeGreaterThan(0);
  await expect(detector.detect(['a'])).rejects.toMatchObject({ code: 'CLOSED' });
});

describe('options', () => {
  test.each([
    ['none', undefined],
    ['no labels', {}],
    ['no label among labels', { labels: [] }],
    ['an empty label', { labels: ['person', ' '] }],
    ['a label twice', { labels: ['person', 'person'] }],
    ['a label that is no text', { labels: [3] }],
    ['a label with a mark of the prompt', { labels: ['a <<ENT>> b'] }],
    ['nested as a word', { labels, nested: 'yes' }],
    ['a threshold below 0', { labels, threshold: -0.1 }],
    ['half a worker', { labels, workers: 0.5 }],
  ])('%s: refused', async (_, options) => {
    await expect(openGliner(spanLevel, options as GlinerOptions)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });

  test('a misspelled one is refused', async () => {
    const options = { labels, flat: true } as GlinerOptions;
    await expect(openGliner(spanLevel, options)).rejects.toMatchObject({ code: 'OPTION_UNKNOWN' });
  });

  test('more labels than the model has room for are refused, with their count', async () => {
    const many = Array.from({ length: 40 }, (_, i) => `person ${i}`);
    await expect(openGliner(tokenLevel, { labels: many })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(/of at most 70 tokens together, for labels, but received \d+ tokens/),
    });
  });
});

describe('a folder that cannot be used is refused with its fault and what to do', () => {
  const refusal = (folder: string) =>
    openGliner(folder, { labels, workers: 1 }).then(
      () => 'opened',
      ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
    );

  test.each([
    ['gliner_config.json', /expected a file for gliner_config.json, but received none\. Copy it/],
    ['tokenizer.json', /expected a tokenizer for tokenizer.json/],
    ['onnx/model.onnx', /expected onnx\/model.onnx or model.onnx for the graph/],
  ])('without %s', async (file, message) => {
    const folder = await detectorCopy('gliner-span');
    await rm(join(folder, file));
    expect(await refusal(folder)).toMatch(message);
  });

  test.each([
    [
      'another splitter',
      { words_splitter_type: 'jieba' },
      /expected "whitespace" for words_splitter_type in .*received "jieba"/,
    ],
    ['compressed prompts', { precomputed_prompts_mode: true }, /precomputed_prompts_mode/],
    ['two encoders', { labels_encoder: 'some/encoder' }, /expected none for labels_encoder/],
    ['a width that is none', { max_width: 'wide' }, /a whole number of at least 1 for max_width .*"wide"/],
    ['another mark than the tokenizer has', { ent_token: '<<TYPE>>' }, /the token <<TYPE>> .*for tokenizer.json/],
    ['another id of the mark', { class_token_index: 7 }, /expected the id 7 for <<ENT>> for tokenizer.json/],
    ['fewer embeddings than ids', { vocab_size: 50 }, /ids below the model's 50 for tokenizer.json/],
  ])('%s', async (_, fields, message) => {
    const folder = await detectorCopy('gliner-span');
    await changeJson(folder, 'gliner_config.json', fields);
    expect(await refusal(folder)).toMatch(message);
  });

  test('a width that is not the graph’s', async () => {
    const folder = await detectorCopy('gliner-span');
    await changeJson(folder, 'gliner_config.json', { max_width: 5 });
    expect(await refusal(folder)).toMatch(/^DETECTOR_(FAILED|MODEL_INVALID)/);
  });

  test('a tokenizer that marks labels otherwise: the graph sees no labels', async () => {
    const folder = await detectorCopy('gliner-token');
    const path = join(folder, 'tokenizer.json');
    const tokenizer = await readFile(path, 'utf8');
    await writeFile(
      path,
      tokenizer.replaceAll('<<ENT>>', '<<TYPE>>').replaceAll('<<SEP>>', '<<ENT>>').replaceAll('<<TYPE>>', '<<SEP>>'),
    );
    await changeJson(folder, 'gliner_config.json', { class_token_index: -1 });
    expect(await refusal(folder)).toMatch(
      /expected logits of \[1, 2, 3, 3\] or \[3, 1, 2, 3\] for 2 words and 3 labels/,
    );
  });

  test('a graph of another kind', async () => {
    const folder = await detectorCopy('gliner-token');
    await copyFile(join(detectorFixture('bert-token-classifier'), 'model.onnx'), join(folder, 'model.onnx'));
    expect(await refusal(folder)).toMatch(/expected an input words_mask for the graph model.onnx/);
  });

  test('a graph with an input that is not known', async () => {
    const folder = await detectorCopy('gliner-token');
    const graph = await readFile(join(folder, 'model.onnx'), 'latin1');
    await writeFile(join(folder, 'model.onnx'), graph.replaceAll('text_lengths', 'labels_embed'), 'latin1');
    expect(await refusal(folder)).toMatch(/received an input labels_embed\. It is no graph of a GLiNER model/);
  });
});
