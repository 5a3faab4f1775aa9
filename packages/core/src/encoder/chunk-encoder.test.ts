import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkedModelFolder, type ModelFolder, openModelFolder } from '../model/model-folder.js';
import { ChunkEncoder } from './chunk-encoder.js';
import { type EncodeRequest, type EncodeResult, MentionSource } from './encode-request.js';
import { TextTokenizer } from './text-tokenizer.js';
import { Windows } from './windows.js';

const repository = new URL('../../../../', import.meta.url);
const models = ['test/fixtures/tiny-model', 'packages/model-en/model'];

interface Text {
  readonly text: string;
  /** Given spans; absent: to be detected. */
  readonly spans?: readonly (readonly [number, number])[];
}

function request(
  texts: readonly Text[],
  vectors: EncodeRequest['vectors'] = 'projected',
  threshold = 0.5,
): EncodeRequest {
  return {
    texts: texts.map(({ text }) => text),
    sources: Uint8Array.from(texts, ({ spans }) =>
      spans === undefined ? MentionSource.detector : MentionSource.given,
    ),
    spanCounts: Int32Array.from(texts, ({ spans = [] }) => spans.length),
    spans: Int32Array.from(texts.flatMap(({ spans = [] }) => spans.flat())),
    vectors,
    poolings: ['last'],
    threshold,
  };
}

/** The rows of each text. */
function rowsOf(result: EncodeResult): Float32Array[][] {
  const columns = result.vectors.length / result.usable.length;
  let row = 0;
  return Array.from(result.mentionCounts, (count) =>
    Array.from({ length: count }, () => result.vectors.subarray(row * columns, ++row * columns)),
  );
}

function greatestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

/** Texts of every length up to a window's, each with two mentions. */
const texts: Text[] = Array.from({ length: 60 }, (_, i) => {
  const words = Array.from(
    { length: 2 + ((i * 37) % 70) },
    (_, k) => ['Xu', 'Xing', 'found', 'it', '😀', 'in', 'China'][(i + k * k) % 7],
  );
  const text = words.join(' ');
  return { text, spans: [[0, words[0]?.length ?? 0] as const, [0, text.length] as const] };
});

for (const name of models) {
  const directory = fileURLToPath(new URL(name, repository));
  describe.skipIf(!existsSync(`${directory}/model.json`))(`the encoder of ${name}`, () => {
    let model: ModelFolder;
    let encoder: ChunkEncoder;

    beforeAll(async () => {
      model = await openModelFolder(directory);
      encoder = await ChunkEncoder.open(model, 1);
    });

    test('gives a text the same vectors in any company: batch = single, padding and order change nothing', async () => {
      const alone: Float32Array[][] = [];
      for (const text of texts) alone.push(rowsOf(await encoder.encode(request([text])))[0] as Float32Array[]);
      const together = rowsOf(await encoder.encode(request(texts)));
      const reversed = rowsOf(await encoder.encode(request(texts.toReversed()))).reverse();
      const few = rowsOf(await encoder.encode(request([texts[3] as Text, texts[40] as Text])));
      expect(greatestDifference(flat(together), flat(alone))).toBeLessThan(1e-4);
      expect(greatestDifference(flat(reversed), flat(alone))).toBeLessThan(1e-4);
      expect(greatestDifference(flat(few), flat([alone[3] ?? [], alone[40] ?? []]))).toBeLessThan(1e-4);
    });

    test('gives vectors of length one, and the raw tap with its own width', async () => {
      const { vectors, usable } = await encoder.encode(request(texts));
      const columns = vectors.length / usable.length;
      expect(columns).toBe(model.description.dimensions);
      for (let row = 0; row < usable.length; row++) {
        expect(Math.hypot(...vectors.subarray(row * columns, (row + 1) * columns))).toBeCloseTo(1, 5);
      }
      const raw = await encoder.encode(request(texts, 'raw'));
      expect(raw.vectors.length).toBe(usable.length * model.description.tap.dimensions);
    });

    test('reads a mention of a long text as if the window that shows it best were the text', async () => {
      const sentence =
        'In 2003 Xu Xing described the small dinosaur Microraptor gui from Liaoning in northeastern China. ';
      const text = sentence.repeat(60);
      const spans = Array.from({ length: 60 }, (_, i) => {
        const start = i * sentence.length + sentence.indexOf('Microraptor gui');
        return [start, start + 'Microraptor gui'.length] as const;
      });
      const [rows] = rowsOf(await encoder.encode(request([{ text, spans }])));

      const tokenizer = await TextTokenizer.open(model.path(model.description.tokenizer));
      const { ids, starts, ends } = await tokenizer.tokenize([text]);
      const windows = new Windows(starts.length, model.description.maximumTokens - tokenizer.specialTokens);
      expect(windows.count).toBeGreaterThan(10);
      let compared = 0;
      for (const [i, [start, end]] of spans.entries()) {
        const first = starts.indexOf(start);
        const last = ends.indexOf(end);
        const { begin, end: windowEnd } = windows.window(windows.best(first, last, model.description.pooling));
        const from = starts[begin] as number;
        const part = text.slice(from, ends[windowEnd - 1]);
        // A window that begins within a word has tokens that its text alone has not.
        if (ids.slice(begin, windowEnd).join() !== (await tokenizer.tokenize([part])).ids.join()) continue;
        compared++;
        const [[row]] = rowsOf(
          await encoder.encode(request([{ text: part, spans: [[start - from, end - from]] }])),
        ) as [[Float32Array]];
        expect(greatestDifference(rows?.[i] ?? [], row), `mention ${i}`).toBeLessThan(1e-4);
      }
      expect(compared).toBeGreaterThan(10);
    });

    test('gives a mention that is longer than a window the vector of its last token', async () => {
      const text = 'Xu Xing found it in China. '.repeat(100);
      const [rows] = rowsOf(
        await encoder.encode(
          request([
            {
              text,
              spans: [
                [0, text.length - 1],
                [text.length - 2, text.length - 1],
              ],
            },
          ]),
        ),
      ) as [Float32Array[]];
      expect(greatestDifference(rows[0] as Float32Array, rows[1] as Float32Array)).toBeLessThan(1e-6);
    });

    test('detects mentions whose offsets and vectors are those of the same spans when given', async () => {
      const long = {
        text: 'In 2003 Xu Xing 😀 described Microraptor gui from Liaoning, Cafe\u0301 in China. '.repeat(50),
      };
      const all = [...texts.map(({ text }) => ({ text })), long];
      const detected = await encoder.encode(request(all, 'projected', 0.4));
      expect(detected.usable.length).toBeGreaterThan(0);
      expect(detected.usable.every((usable) => usable === 1)).toBe(true);
      let row = 0;
      const given = all.map(({ text }, index): Text => {
        const spans: [number, number][] = [];
        for (const end = row + (detected.mentionCounts[index] as number); row < end; row++) {
          const [start, stop] = [detected.spans[2 * row] as number, detected.spans[2 * row + 1] as number];
          const found = text.slice(start, stop);
          expect(found).toBe(found.trim());
          expect(start).toBeGreaterThanOrEqual(spans.at(-1)?.[1] ?? 0);
          spans.push([start, stop]);
        }
        return { text, spans };
      });
      expect(detected.scores.every((score) => score >= 0.4 && score <= 1)).toBe(true);
      const again = await encoder.encode(request(given));
      expect(greatestDifference(again.vectors, detected.vectors)).toBeLessThan(1e-4);

      const detectedOnly = await encoder.encode(request(all, 'none', 0.4));
      expect(detectedOnly.spans).toEqual(detected.spans);
      expect(detectedOnly.vectors.length).toBe(0);
    });

    test('counts tokens, and gives unusable mentions NaN', async () => {
      const { tokens, usable, vectors } = await encoder.encode(
        request([
          { text: '', spans: [] },
          {
            text: 'a  b',
            spans: [
              [0, 2],
              [3, 4],
            ],
          },
          { text: '   ' },
        ]),
      );
      expect([...tokens]).toEqual([0, 2, 0]);
      expect([...usable]).toEqual([0, 1]);
      const columns = vectors.length / 2;
      expect(vectors.subarray(0, columns).every(Number.isNaN)).toBe(true);
      expect(vectors.subarray(columns).some(Number.isNaN)).toBe(false);
    });

    test('stops before the next batch when it is told to', async () => {
      const stop = () => {
        throw new Error('stopped');
      };
      await expect(encoder.encode(request(texts), stop)).rejects.toThrow('stopped');
    });
  });
}

describe('a model that is not what its description says', () => {
  const fixture = fileURLToPath(new URL('test/fixtures/tiny-model', repository));

  test.each([
    ['MODEL_INVALID', /output other/, { encoder: { file: 'encoder.onnx', outputs: { tap: 'other', detector: null } } }],
    ['MODEL_INVALID', /ONNX Runtime/, { encoder: { file: 'tokenizer.json', outputs: { tap: 'tap', detector: null } } }],
    ['MODEL_INVALID', /tokenizer/, { tokenizer: 'model.json' }],
    ['DIMENSIONS_DIFFER', /Expected 33 dimensions/, { dimensions: 33 }],
    ['HEAD_UNREADABLE', /model\.json/, { head: 'model.json' }],
  ])('is refused: %s %s', async (code, message, change) => {
    const { description } = await openModelFolder(fixture);
    const model = checkedModelFolder(fixture, { ...description, ...change });
    await expect(ChunkEncoder.open(model, 1)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

function flat(rows: readonly (readonly Float32Array[])[]): number[] {
  return rows.flatMap((some) => some.flatMap((row) => [...row]));
}
