import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Embedder } from '@ner-retriever/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const fixture = fileURLToPath(new URL('../../../test/fixtures/tiny-model', import.meta.url));

const sentence = 'In 2003 Xu Xing 😀 described the dinosaur Microraptor gui from Liaoning, Cafe\u0301 China.';

function spanOf(text: string, part: string) {
  const start = text.indexOf(part);
  return { start, end: start + part.length };
}

function greatestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

describe('an embedder', () => {
  let embedder: Embedder;
  beforeAll(async () => {
    embedder = await Embedder.open(fixture, { workers: 2 });
  });
  afterAll(() => embedder.close());

  test('gives a row a mention, in order, repeats once, unusable ones as NaN with their reason', async () => {
    const { matrix, documents, tokens } = await embedder.embedMentions([
      {
        text: sentence,
        mentions: [spanOf(sentence, 'Xu Xing'), spanOf(sentence, 'Microraptor'), spanOf(sentence, 'Xu Xing')],
      },
      { text: 'nobody', mentions: [] },
      {
        text: 'a 😀  b',
        mentions: [
          { start: 6, end: 7 },
          { start: 2, end: 3 },
          { start: 2, end: 2 },
          { start: 0, end: 70 },
          { start: 4, end: 6 },
        ],
      },
    ]);
    expect([matrix.rows, matrix.columns, matrix.data.length]).toEqual([7, 32, 7 * 32]);
    expect(documents.map(({ firstRow, rows }) => [firstRow, rows])).toEqual([
      [0, 2],
      [2, 0],
      [2, 5],
    ]);
    expect(documents[0]?.mentions).toEqual([
      { ...spanOf(sentence, 'Xu Xing'), text: 'Xu Xing' },
      { ...spanOf(sentence, 'Microraptor'), text: 'Microraptor' },
    ]);
    expect(documents[2]?.skipped.map(({ reason }) => reason)).toEqual([
      'splits-character',
      'empty',
      'outside-text',
      'no-token',
    ]);
    const nan = Array.from({ length: 7 }, (_, row) => Number.isNaN(matrix.data[row * 32 + 5]));
    expect(nan).toEqual([false, false, false, true, true, true, true]);
    expect(tokens).toBe(documents.reduce((sum, document) => sum + document.tokens, 0));
  });

  test('takes given spans where there are some and detects elsewhere, unless it is told', async () => {
    const documents = [{ text: sentence, mentions: [spanOf(sentence, 'Xu Xing')] }, { text: sentence }];
    const detected = (await embedder.detect([sentence]))[0];
    expect(detected?.length).toBeGreaterThan(0);
    const rows = async (mentions?: 'given' | 'detect') =>
      (await embedder.embedMentions(documents, mentions && { mentions })).documents.map(
        (document) => document.mentions,
      );
    const given = [{ ...spanOf(sentence, 'Xu Xing'), text: 'Xu Xing' }];
    expect(await rows()).toEqual([given, detected]);
    expect(await rows('given')).toEqual([given, []]);
    expect(await rows('detect')).toEqual([detected, detected]);
  });

  test('detects with offsets that cut out the very text', async () => {
    for (const mentions of await embedder.detect([sentence, `👩‍👩‍👧 ${sentence}`, ''], { threshold: 0.3 })) {
      for (const { start, end, text, score } of mentions) {
        expect(text === sentence.slice(start, end) || text === `👩‍👩‍👧 ${sentence}`.slice(start, end)).toBe(true);
        expect(score).toBeGreaterThanOrEqual(0.3);
      }
    }
    const none = await embedder.detect([sentence], { threshold: 1 });
    expect(none).toEqual([[]]);
  });

  test('reads a type description like a text that is one mention', async () => {
    const types = await embedder.embedTypes(['dinosaur', 'car manufacturer ']);
    expect([types.rows, types.columns]).toEqual([2, 32]);
    const { matrix } = await embedder.embedMentions([
      { text: 'dinosaur', mentions: [{ start: 0, end: 8 }] },
      { text: 'car manufacturer ', mentions: [{ start: 0, end: 16 }] },
    ]);
    expect(greatestDifference(types.data, matrix.data)).toBeLessThan(1e-4);
    expect(await embedder.embedTypes([])).toEqual({ rows: 0, columns: 32, data: new Float32Array(0) });
  });

  test('raw rows are the tap, of its own width', async () => {
    const raw = await embedder.embedTypes(['dinosaur'], { raw: true });
    expect(raw.columns).toBe(embedder.model.description.tap.dimensions);
    expect(Math.hypot(...raw.data)).not.toBeCloseTo(1, 3);
  });

  test('spread over workers or not, many or one, the vectors are the same', async () => {
    const documents = Array.from({ length: 700 }, (_, i) => {
      const text = `${'so '.repeat(i % 23)}${sentence.slice(0, 40 + (i % 40))}`;
      return { text, mentions: [spanOf(text, 'Xu Xing')] };
    });
    const whole = await embedder.embedMentions(documents);
    const one = await Embedder.open(fixture, { workers: 1 });
    const reversed = await one.embedMentions(documents.toReversed());
    await one.close();
    for (let row = 0; row < 700; row++) {
      const a = whole.matrix.data.subarray(row * 32, (row + 1) * 32);
      const b = reversed.matrix.data.subarray((699 - row) * 32, (700 - row) * 32);
      expect(greatestDifference(a, b)).toBeLessThan(1e-4);
    }
  });

  test('answers calls that run at once each with its own', async () => {
    const names = ['dinosaur', 'river', 'opera', 'car', 'bridge', 'poet'];
    const alone = [];
    for (const name of names) alone.push(await embedder.embedTypes([name]));
    const together = await Promise.all(names.map((name) => embedder.embedTypes([name])));
    expect(together).toEqual(alone);
  });

  test('a text of 5 MB costs little memory', async () => {
    const text = `${sentence} `.repeat(Math.ceil(5e6 / sentence.length));
    const mentions = Array.from({ length: 100 }, (_, i) => {
      const start = i * 500 * (sentence.length + 1) + sentence.indexOf('Liaoning');
      return { start, end: start + 8 };
    });
    const before = process.memoryUsage.rss();
    const { documents, matrix } = await embedder.embedMentions([{ text, mentions }]);
    expect(process.memoryUsage.rss() - before).toBeLessThan(400e6);
    expect(documents[0]?.mentions.every((mention) => mention.text === 'Liaoning')).toBe(true);
    expect(matrix.data.some(Number.isNaN)).toBe(false);
  });

  test('stops a long text soon after an abort', async () => {
    const controller = new AbortController();
    const detecting = embedder.detect([`${sentence} `.repeat(60_000)], { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 300);
    await expect(detecting).rejects.toThrow('enough');
    const started = performance.now();
    await Promise.all([embedder.embedTypes(['a']), embedder.embedTypes(['b'])]);
    // The worker may still be tokenising; it is not running 60,000 sentences.
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test.each([
    ['OPTION_UNKNOWN', 'signl', () => embedder.detect(['a'], { signl: null } as object)],
    ['OPTION_UNKNOWN', 'normalize', () => embedder.embedTypes(['a'], { normalize: true } as object)],
    ['OPTION_INVALID', "'given' or 'detect'", () => embedder.embedMentions([], { mentions: 'detected' as 'detect' })],
    ['OPTION_INVALID', 'from 0 to 1', () => embedder.detect(['a'], { threshold: 5 })],
    ['OPTION_INVALID', 'a string', () => embedder.detect([undefined as unknown as string])],
    [
      'OPTION_INVALID',
      'whole numbers',
      () => embedder.embedMentions([{ text: 'a', mentions: [{ start: 0.5, end: 1 }] }]),
    ],
    ['OPTION_INVALID', 'an array of strings', () => embedder.detect('a' as unknown as string[])],
    ['OPTION_INVALID', 'documents[0].text', () => embedder.embedMentions([null as unknown as { text: string }])],
    ['OPTION_INVALID', 'documents[0].mentions', () => embedder.embedMentions([{ text: 'a', mentions: null as never }])],
    ['OPTION_INVALID', 'an AbortSignal', () => embedder.detect(['a'], { signal: {} as AbortSignal })],
    ['OPTION_INVALID', 'at least 1', () => Embedder.open(fixture, { workers: 0 })],
    ['OPTION_UNKNOWN', 'threads', () => Embedder.open(fixture, { threads: 2 } as object)],
    ['DESCRIPTION_EMPTY', 'number 1', () => embedder.embedTypes(['a', ' \n'])],
    ['MODEL_NOT_FOUND', 'model.json', () => Embedder.open(`${fixture}-not`)],
  ])('refuses with %s (%s)', async (code, message, call) => {
    await expect(call()).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

test('two embedders run side by side, and close while calls are in flight', async () => {
  const [one, two] = await Promise.all([
    Embedder.open(fixture, { workers: 1 }),
    Embedder.open(fixture, { workers: 2 }),
  ]);
  const texts = Array.from({ length: 300 }, () => sentence);
  const calls = [one.detect(texts), two.detect(texts), two.detect(texts)];
  const closed = [one.close(), two.close(), one.close()];
  const [a, b, c] = await Promise.all(calls);
  await Promise.all(closed);
  expect(b).toEqual(a);
  expect(c).toEqual(a);
  await expect(one.detect(['a'])).rejects.toMatchObject({ code: 'ENCODER_CLOSED' });
});

test('is closed at the end of an `await using` block', async () => {
  const embedder = await Embedder.open(fixture, { workers: 1 });
  await embedder[Symbol.asyncDispose]();
  await expect(embedder.embedTypes(['a'])).rejects.toMatchObject({ code: 'ENCODER_CLOSED' });
});

describe('the end of a process', () => {
  /** Runs a script that has `embedder`, and `work`, a call that takes seconds; resolves with exit code, signal and stderr. */
  function run(script: string): Promise<{ code: number | null; signal: string | null; stderr: string; ms: number }> {
    const module = `
      import { Embedder } from ${JSON.stringify(import.meta.resolve('@ner-retriever/core'))};
      const embedder = await Embedder.open(${JSON.stringify(fixture)}, { workers: 2 });
      const work = () => embedder.detect(Array.from({ length: 40000 }, () => ${JSON.stringify(sentence.repeat(3))}));
      ${script}`;
    return new Promise((resolve) => {
      const started = performance.now();
      const child = spawn(process.execPath, ['--input-type=module', '-e', module], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr.on('data', (data) => {
        stderr += data;
      });
      child.on('exit', (code, signal) => resolve({ code, signal, stderr, ms: performance.now() - started }));
    });
  }

  test('an embedder that is forgotten does not keep it alive', async () => {
    expect(await run(`await embedder.embedTypes(['a']);`)).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  test('a call in flight does', async () => {
    const result = await run(`embedder.detect(['a']).then(() => { process.exitCode = 7; });`);
    expect(result).toMatchObject({ code: 7, stderr: '' });
  });

  test('process.exit during a run ends it quietly, with its own exit code', async () => {
    const result = await run(`work(); setTimeout(() => process.exit(3), 400);`);
    expect(result).toMatchObject({ code: 3, signal: null, stderr: '' });
  });

  test.each([
    ['an uncaught error', `work(); setTimeout(() => { throw new Error('uncaught'); }, 400);`, 1],
    ['a rejection that nobody handles', `work(); await embedder.embedTypes(['']);`, 1],
  ])('%s during a run ends it with its own exit code, not by an abort', async (_, script, code) => {
    const result = await run(script);
    expect(result).toMatchObject({ code, signal: null });
    expect(result.ms).toBeLessThan(12_000);
  });
});

describe('with a detector of its own', () => {
  /** Finds "Xu Xing" with a score, and what cannot be used. */
  const detector = {
    name: 'by rule',
    closed: 0,
    thresholds: [] as (number | undefined)[],
    async detect(texts: readonly string[], { threshold }: { threshold?: number } = {}) {
      this.thresholds.push(threshold);
      return texts.map((text) => {
        const found = { ...spanOf(text, 'Xu Xing'), text: 'Xu Xing', score: 0.75 };
        const outside = { start: 0, end: text.length + 1, text: '' };
        return text.includes('Xu Xing') ? [found, found, outside] : [];
      });
    },
    async close() {
      this.closed += 1;
    },
  };

  test('what it finds is embedded, with its scores; given spans stay given', async () => {
    await using embedder = await Embedder.open(fixture, { workers: 1, detector });
    const given = [spanOf(sentence, 'Liaoning')];
    const documents = [{ text: sentence }, { text: sentence, mentions: given }, { text: 'nobody' }];
    const embedded = await embedder.embedMentions(documents);
    const found = { ...spanOf(sentence, 'Xu Xing'), text: 'Xu Xing', score: 0.75 };
    const outside = { start: 0, end: sentence.length + 1, text: sentence };
    expect(embedded.documents.map(({ mentions }) => mentions)).toEqual([
      [found, outside],
      [{ ...spanOf(sentence, 'Liaoning'), text: 'Liaoning' }],
      [],
    ]);
    expect(embedded.documents[0]?.skipped).toEqual([{ start: 0, end: sentence.length + 1, reason: 'outside-text' }]);
    const { documents: all } = await embedder.embedMentions(documents, { mentions: 'detect' });
    expect(all.map(({ rows }) => rows)).toEqual([2, 2, 0]);
    const { documents: none } = await embedder.embedMentions(documents, { mentions: 'given' });
    expect(none.map(({ rows }) => rows)).toEqual([0, 1, 0]);

    // The vector is that of the span, whoever found it.
    const asGiven = await embedder.embedMentions([{ text: sentence, mentions: [spanOf(sentence, 'Xu Xing')] }]);
    expect(greatestDifference(embedded.matrix.data.slice(0, 32), asGiven.matrix.data)).toBeLessThan(1e-4);
  });

  test('detect asks it, with the threshold, and checks its options as ever', async () => {
    const embedder = await Embedder.open(fixture, { workers: 1, detector });
    expect((await embedder.detect([sentence], { threshold: 0.25 }))[0]?.[0]).toMatchObject({
      text: 'Xu Xing',
      score: 0.75,
    });
    expect(detector.thresholds.at(-1)).toBe(0.25);
    await expect(embedder.detect([sentence], { threshold: 2 })).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    await embedder.close();
    expect(detector.closed).toBe(0);
  });

  test('a model without one then detects', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'embedder-'));
    try {
      await cp(fixture, folder, { recursive: true });
      const description = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8'));
      description.detector = null;
      description.encoder.outputs.detector = null;
      await writeFile(join(folder, 'model.json'), JSON.stringify(description));
      await using without = await Embedder.open(folder, { workers: 1 });
      await expect(without.detect([sentence])).rejects.toMatchObject({ code: 'DETECTOR_MISSING' });
      await using embedder = await Embedder.open(folder, { workers: 1, detector });
      const { documents } = await embedder.embedMentions([{ text: sentence }], { mentions: 'detect' });
      expect(documents[0]?.mentions[0]).toMatchObject({ text: 'Xu Xing', score: 0.75 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('something else is refused', async () => {
    const wrong = { detector: 'gazetteer' } as unknown as { detector: typeof detector };
    await expect(Embedder.open(fixture, wrong)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });
});
