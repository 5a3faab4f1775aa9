import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TextTokenizer } from './text-tokenizer.js';

const fixture = fileURLToPath(new URL('../../../../test/fixtures/tiny-model/tokenizer.json', import.meta.url));

/** Pieces that texts break on: pairs, joiners, marks, right-to-left, full-width, line ends, lone surrogates. */
const pieces = [
  ...['a', 'Tyrannosaurus', ' ', '  ', '\r\n', '\t', '.', '’', '10,000', 'É', 'e\u0301', '\u0301', 'ﬁ', 'İ', 'ß'],
  ...[
    '😀',
    '👩‍👩‍👧',
    '🏳️‍🌈',
    '𝕊',
    '東京',
    'مرحبا',
    'שָׁלוֹם',
    '\u200d',
    '\u00ad',
    '\u0000',
    '\ud800',
    '\udc00',
    'नमस्ते',
    '①',
  ],
];

function* randomTexts(count: number): Generator<string> {
  let state = 42;
  const next = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  for (let i = 0; i < count; i++) {
    yield Array.from({ length: next(30) }, () => pieces[next(pieces.length)]).join('');
  }
}

describe('word pieces', () => {
  let tokenizer: TextTokenizer;
  beforeAll(async () => {
    tokenizer = await TextTokenizer.open(fixture);
  });

  test('know their special tokens', () => {
    expect([tokenizer.prefix, tokenizer.suffix]).toEqual([[2], [3]]);
  });

  test('have ranges in order, within the text, that split no character; words begin where they should', async () => {
    const texts = [...randomTexts(400)];
    const { textBegins, starts, ends, wordBegins } = await tokenizer.tokenize(texts);
    for (const [index, text] of texts.entries()) {
      const codePoints = boundaries(text);
      let before = 0;
      for (let token = textBegins[index] as number; token < (textBegins[index + 1] as number); token++) {
        const [start, end] = [starts[token] as number, ends[token] as number];
        expect(start >= before && end >= start && end <= text.length, JSON.stringify(text)).toBe(true);
        expect(codePoints.has(start) && codePoints.has(end), JSON.stringify(text)).toBe(true);
        expect(/\s/.test(text.slice(start, end).trim())).toBe(false);
        if (token === textBegins[index]) expect(wordBegins[token]).toBe(1);
        before = start;
      }
    }
  });

  test('of a plain word after emoji cut out that word', async () => {
    const text = '😀👩‍👩‍👧 é\u0301 東京 dinosaur';
    const { starts, ends, wordBegins } = await tokenizer.tokenize([text]);
    const first = wordBegins.lastIndexOf(1);
    expect(text.slice(starts[first], ends.at(-1))).toBe('dinosaur');
  });

  test('of a long text are those of the whole, wherever it is cut', async () => {
    const sentence = 'Microraptor 😀 was found in Liaoning, described by Xu Xing. ';
    const text = sentence.repeat(4000);
    const { ids, starts, ends } = await tokenizer.tokenize([text, sentence]);
    const one = await tokenizer.tokenize([sentence]);
    expect(ids.length).toBe(4001 * one.ids.length);
    for (let i = 0; i < ids.length - one.ids.length; i++) {
      const offset = Math.floor(i / one.ids.length) * sentence.length;
      const within = i % one.ids.length;
      if (
        ids[i] !== one.ids[within] ||
        starts[i] !== offset + (one.starts[within] as number) ||
        ends[i] !== offset + (one.ends[within] as number)
      ) {
        throw new Error(`token ${i} differs`);
      }
    }
  });

  test('of nothing are none', async () => {
    const { textBegins, ids } = await tokenizer.tokenize(['', ' ', 'a', '']);
    expect([...textBegins]).toEqual([0, 0, 0, 1, 1]);
    expect(ids.length).toBe(1);
    expect((await tokenizer.tokenize([])).ids.length).toBe(0);
  });
});

describe('byte tokens', () => {
  let directory: string;
  let tokenizer: TextTokenizer;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tokenizer-'));
    const path = join(directory, 'tokenizer.json');
    await writeFile(path, JSON.stringify(byteTokenizer()));
    tokenizer = await TextTokenizer.open(path);
  });
  afterAll(() => rm(directory, { recursive: true }));

  test('share the range of their character', async () => {
    const texts = [...randomTexts(400)];
    const { textBegins, starts, ends } = await tokenizer.tokenize(texts);
    for (const [index, text] of texts.entries()) {
      const expected: number[][] = [];
      let at = 0;
      for (const character of text) {
        for (const _ of Buffer.from(character)) expected.push([at, at + character.length]);
        at += character.length;
      }
      const from = textBegins[index] as number;
      const ranges = expected.map((_, i) => [starts[from + i], ends[from + i]]);
      expect(ranges, JSON.stringify(text)).toEqual(expected);
      expect(textBegins[index + 1]).toBe(from + expected.length);
    }
  });

  test('are not cut off or padded by the settings of the file', async () => {
    const { textBegins } = await tokenizer.tokenize(['x'.repeat(50), 'y']);
    expect([...textBegins]).toEqual([0, 50, 51]);
  });
});

test('a file that is no tokenizer is refused', async () => {
  await expect(TextTokenizer.open(fileURLToPath(import.meta.url))).rejects.toMatchObject({ code: 'MODEL_INVALID' });
});

/** Offsets at which a code point begins or the text ends. */
function boundaries(text: string): Set<number> {
  const offsets = new Set([0]);
  let at = 0;
  for (const character of text) {
    at += character.length;
    offsets.add(at);
  }
  return offsets;
}

/** GPT-2's alphabet of 256 bytes without a merge: one token a byte. */
function byteTokenizer() {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let other = 256;
  const vocab = Object.fromEntries(
    Array.from({ length: 256 }, (_, byte) => [String.fromCharCode(printable(byte) ? byte : other++), byte]),
  );
  return {
    version: '1.0',
    truncation: { direction: 'Right', max_length: 4, strategy: 'LongestFirst', stride: 0 },
    padding: {
      strategy: { Fixed: 60 },
      direction: 'Right',
      pad_to_multiple_of: null,
      pad_id: 0,
      pad_type_id: 0,
      pad_token: '!',
    },
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: true },
    post_processor: null,
    decoder: null,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges: [],
    },
  };
}
