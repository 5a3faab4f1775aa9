import { spawn } from 'node:child_process';
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTokenClassifier } from '../../dist/detection/token-classifier.js';
import { changeJson, detectorCopy, detectorFixture, requestsOf } from '../../test-support/detector-folders.js';
import type { Mention } from '../mentions/mention.js';
import type { MentionDetector } from '../mentions/mention-detector.js';

const bert = detectorFixture('bert-token-classifier');
const roberta = detectorFixture('roberta-token-classifier');

const sentences = [
  'Angela Merkel met Barack Obama in Berlin, and Joe Biden in Washington.',
  'dinosaur',
  '',
  ' \n ',
  '😀 Marie Curie 👩‍🔬 won the Nobel Prize (1903) in Cafe\u0301 Paris 😀',
  '東京 tower stands in Japan\nand مرحبا means hello\tin Cairo',
  'lone \ud83d surrogate',
];
const long = new Array(60).fill(sentences[0]).join(' ');

function expectSame(found: readonly Mention[], expected: readonly Mention[]) {
  expect(found).toEqual(expected.map((mention) => ({ ...mention, score: expect.closeTo(mention.score as number, 4) })));
}

describe.each([
  ['word pieces', bert],
  ['byte-level pieces', roberta],
])('a token classifier of %s', (_, folder) => {
  let detector: MentionDetector;
  beforeAll(async () => {
    detector = await openTokenClassifier(folder, { workers: 2 });
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

  test('mentions are pieces of their text, in order, without overlaps and without spaces round them', async () => {
    const texts = [...sentences, long];
    for (const [i, mentions] of (await detector.detect(texts)).entries()) {
      let end = 0;
      for (const mention of mentions) {
        expect(mention.text).toBe(texts[i]?.slice(mention.start, mention.end));
        expect(mention.text).toBe(mention.text.trim());
        expect(mention.text).not.toBe('');
        expect(mention.start).toBeGreaterThanOrEqual(end);
        expect(mention.text).not.toMatch(/^[\udc00-\udfff]|[\ud800-\udbff]$/);
        end = mention.end;
      }
    }
  });

  test('a higher threshold takes mentions away and adds none', async () => {
    const counts: number[] = [];
    let before: readonly Mention[] = (await detector.detect(sentences, { threshold: 0 })).flat();
    for (const threshold of [0.5, 0.8, 0.95, 1]) {
      const mentions = (await detector.detect(sentences, { threshold })).flat();
      expectSame(
        mentions,
        before.filter(({ score }) => (score as number) >= threshold),
      );
      counts.push(mentions.length);
      before = mentions;
    }
    expect(new Set(counts).size).toBeGreaterThan(2);
  });

  test('a long text is read to its end', async () => {
    const [mentions = []] = await detector.detect([long]);
    const ends = mentions.map(({ end }) => end);
    expect(ends.some((end) => end > 0.95 * long.length)).toBe(true);
    const gaps = mentions.map(({ start }, i) => start - (ends[i - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(0.2 * long.length);
  });
});

test('a graph whose scores depend on what shares a run with a text runs texts singly', async () => {
  const detector = await openTokenClassifier(detectorFixture('bert-quantised-token-classifier'), { workers: 1 });
  const texts = sentences.filter((text) => text.length < 100);
  const together = await detector.detect(texts);
  expect(together.flat().length).toBeGreaterThan(3);
  expect(await requestsOf(() => detector.detect(['dinosaur', 'Berlin', 'Paris']))).toBe(3);
  for (const [i, text] of texts.entries()) expect(await detector.detect([text])).toEqual([together[i]]);
  await detector.close();
});

test('accents that the normaliser drops belong to the mention', async () => {
  const detector = await openTokenClassifier(bert, { workers: 1 });
  const text = 'Cafe\u0301 Bjo\u0308rk Malmo\u0308';
  const mentions = (await detector.detect([text, text.normalize('NFC')])).map((some) =>
    some.map((one) => one.text.normalize('NFC')),
  );
  await detector.close();
  expect(mentions[0]?.length).toBeGreaterThan(0);
  expect(mentions[0]).toEqual(mentions[1]);
});

test('neighbours of two types are two mentions, of one type one', async () => {
  const folder = await detectorCopy('roberta-token-classifier');
  const apart = await openTokenClassifier(folder, { workers: 1, aggregation: 'simple' });
  await changeJson(folder, 'config.json', { id2label: { 0: 'O', 1: 'ANY', 2: 'ANY' } });
  const joined = await openTokenClassifier(folder, { workers: 1, aggregation: 'simple' });
  const [[two = []], [one = []]] = [await apart.detect([long]), await joined.detect([long])];
  await Promise.all([apart.close(), joined.close()]);
  expect(one.length).toBeLessThan(two.length);
  for (const { start, end } of two)
    expect(one.some((mention) => mention.start <= start && mention.end >= end)).toBe(true);
});

test('its name says which folder it is of', async () => {
  const detector = await openTokenClassifier(bert, { workers: 1 });
  expect(detector.name).toBe('token classifier (bert-token-classifier)');
  await detector.close();
});

describe('calls', () => {
  test('in flight end when it is closed; later ones are refused', async () => {
    const detector = await openTokenClassifier(bert, { workers: 2 });
    const expected = await detector.detect([long, long]);
    const call = detector.detect([long, long]);
    const closed = detector.close();
    await expect(detector.detect(['a'])).rejects.toMatchObject({ code: 'CLOSED' });
    expect(await call).toEqual(expected);
    await closed;
    await detector.close();
  });

  test('stop soon after an abort', async () => {
    const detector = await openTokenClassifier(bert, { workers: 1 });
    const controller = new AbortController();
    const call = detector.detect(new Array(2000).fill(long), { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 100);
    const started = performance.now();
    await expect(call).rejects.toThrow('enough');
    expect(performance.now() - started).toBeLessThan(2000);
    await expect(detector.detect(['a'], { signal: controller.signal })).rejects.toThrow('enough');
    expect(await detector.detect(['dinosaur'])).toHaveLength(1);
    await detector.close();
  });

  test.each([
    ['an option that does not exist', { treshold: 0.5 }, 'OPTION_UNKNOWN'],
    ['a threshold beyond 1', { threshold: 2 }, 'OPTION_INVALID'],
    ['a signal of another kind', { signal: 3 }, 'OPTION_INVALID'],
  ])('%s is refused', async (_, options, code) => {
    const detector = await openTokenClassifier(bert, { workers: 1 });
    await expect(detector.detect(['a'], options as never)).rejects.toMatchObject({ code });
    await expect(openTokenClassifier(bert, options as never)).rejects.toMatchObject({ code });
    await expect(detector.detect([3 as never])).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    await detector.close();
  });

  test.each([
    ['aggregation', 'last'],
    ['workers', 0],
  ])('the option %s is not %j', async (option, value) => {
    await expect(openTokenClassifier(bert, { [option]: value })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });

  test('an aborted opening leaves no thread behind', async () => {
    await expect(openTokenClassifier(bert, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
  });

  test('a detector that is forgotten does not keep a process alive, and the end of one during a run is quiet', async () => {
    const module = new URL('../../dist/detection/token-classifier.js', import.meta.url).href;
    const script = `
      const { openTokenClassifier } = await import(${JSON.stringify(module)});
      const detector = await openTokenClassifier(${JSON.stringify(bert)}, { workers: 2 });
      if (process.argv[1] === 'exit') {
        detector.detect(new Array(500).fill(${JSON.stringify(long)}));
        setTimeout(() => process.exit(7), 200);
      }`;
    const run = (word: string) =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script, word], { stdio: 'ignore' });
        child.on('exit', (code, signal) => resolve({ code, signal }));
      });
    expect(await run('forget')).toEqual({ code: 0, signal: null });
    expect(await run('exit')).toEqual({ code: 7, signal: null });
  });
});

describe('a folder that cannot be used is refused with its fault and what to do', () => {
  const refusal = (folder: string) =>
    openTokenClassifier(folder, { workers: 1 }).then(
      () => 'opened',
      ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
    );

  test('no folder', async () => {
    expect(await refusal('/nowhere')).toMatch(/^DETECTOR_MODEL_INVALID: .*expected onnx\/model.onnx or model.onnx/);
  });

  test.each([
    ['config.json', /expected a file for config.json, but received none\. Copy it/],
    ['tokenizer.json', /expected a tokenizer for tokenizer.json, .*save_pretrained/],
    ['model.onnx', /expected onnx\/model.onnx or model.onnx for the graph/],
  ])('without %s', async (file, message) => {
    const folder = await detectorCopy('bert-token-classifier');
    await rm(join(folder, file));
    expect(await refusal(folder)).toMatch(message);
  });

  test('two graphs of other names', async () => {
    const folder = await detectorCopy('bert-token-classifier');
    await copyFile(join(folder, 'model.onnx'), join(folder, 'model_q4.onnx'));
    await rename(join(folder, 'model.onnx'), join(folder, 'model_fp32.onnx'));
    expect(await refusal(folder)).toMatch(/model_fp32.onnx, model_q4.onnx\. Rename the one to use/);
    await rm(join(folder, 'model_q4.onnx'));
    expect(await refusal(folder)).toBe('opened');
  });

  test.each([
    ['no id2label', { id2label: undefined }, /id2label in config.json, but received none\. Write the names/],
    ['labels with a gap', { id2label: { 0: 'O', 2: 'B-PER' } }, /a name for every label, numbered from 0/],
    ['no label O', { id2label: { 0: 'NONE', 1: 'PER' } }, /a label O among the labels .* received NONE, PER\. Rename/],
    [
      'fewer labels than logits',
      { id2label: { 0: 'O', 1: 'PER' } },
      /logits of \[texts, tokens, 2\].* received \[1, \d+, 5\]/,
    ],
    ['no room for a token', { max_position_embeddings: 2 }, /room for more than the 2 special tokens/],
  ])('%s', async (_, fields, message) => {
    const folder = await detectorCopy('bert-token-classifier');
    await changeJson(folder, 'config.json', fields);
    expect(await refusal(folder)).toMatch(message);
  });

  test('a configuration that is no JSON', async () => {
    const folder = await detectorCopy('bert-token-classifier');
    await writeFile(join(folder, 'config.json'), '{"id2label": ');
    expect(await refusal(folder)).toMatch(/expected JSON for config.json/);
  });

  test('a graph that is none', async () => {
    const folder = await detectorCopy('bert-token-classifier');
    await writeFile(join(folder, 'model.onnx'), 'version https://git-lfs.github.com/spec/v1');
    expect(await refusal(folder)).toMatch(/^DETECTOR_MODEL_INVALID: .*model.onnx/);
    await writeFile(join(folder, 'model.onnx'), (await readFile(join(bert, 'model.onnx'))).subarray(0, 60_000));
    expect(await refusal(folder)).toMatch(/^DETECTOR_MODEL_INVALID: .*model.onnx.*Copy or export the model again/);
  });

  test('a graph with an input that is not known, or without one that is needed', async () => {
    const folder = await detectorCopy('bert-token-classifier');
    const graph = await readFile(join(folder, 'model.onnx'), 'latin1');
    await writeFile(join(folder, 'model.onnx'), graph.replaceAll('token_type_ids', 'token_kind_ids'), 'latin1');
    expect(await refusal(folder)).toMatch(/received an input token_kind_ids\. It is no graph of a token classifier/);
    await writeFile(
      join(folder, 'model.onnx'),
      graph.replaceAll('attention_mask', 'token_type_idz').replaceAll('token_type_idz', 'attention_musk'),
      'latin1',
    );
    expect(await refusal(folder)).toMatch(/an input attention_musk/);
  });

  test('a graph with another output than logits', async () => {
    const folder = await detectorCopy('bert-token-classifier');
    const graph = await readFile(join(folder, 'model.onnx'), 'latin1');
    await writeFile(join(folder, 'model.onnx'), graph.replaceAll('logits', 'scores'), 'latin1');
    expect(await refusal(folder)).toMatch(/expected an output logits for the graph model.onnx, but received scores/);
  });

  test.each([
    ['leaves the folder', '../weights', /^MODEL_PATH_OUTSIDE/],
    ['is missing', 'weights', /expected a file beside the graph for weights, but received none/],
  ])('weights in a file that %s', async (_, location, message) => {
    const folder = await detectorCopy('bert-token-classifier');
    const field = (number: number, ...parts: (string | Buffer)[]) => {
      const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
      return Buffer.concat([Buffer.of(number * 8 + 2, body.length), body]);
    };
    const tensor = field(5, field(13, field(1, 'location'), field(2, location)));
    await writeFile(join(folder, 'model.onnx'), field(7, tensor));
    expect(await refusal(folder)).toMatch(message);
  });

  test('a tokenizer of another model: an id that the model has no embedding for', async () => {
    const folder = await detectorCopy('bert-token-classifier');
    await copyFile(join(roberta, 'tokenizer.json'), join(folder, 'tokenizer.json'));
    const detector = await openTokenClassifier(folder, { workers: 1 });
    await expect(detector.detect(['Angela Merkel met Barack Obama 😀'])).rejects.toMatchObject({
      code: 'DETECTOR_MODEL_INVALID',
      message: expect.stringMatching(/ids below the model's 160 for tokenizer.json, but received the id \d+/),
    });
    expect(await detector.detect([''])).toEqual([[]]);
    await detector.close();
  });

  test('the same where the configuration does not say how many there are: the graph fails', async () => {
    const folder = await detectorCopy('bert-token-classifier');
    await copyFile(join(roberta, 'tokenizer.json'), join(folder, 'tokenizer.json'));
    await changeJson(folder, 'config.json', { vocab_size: undefined });
    const detector = await openTokenClassifier(folder, { workers: 1 });
    await expect(detector.detect(['Angela Merkel met Barack Obama 😀'])).rejects.toMatchObject({
      code: 'DETECTOR_FAILED',
    });
    await detector.close();
  });
});
