import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { Tokenizer } from 'tokenizers';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { codePointOffsets } from '../mentions/code-point-offsets.js';
import { firstMentionToken, lastMentionToken, ownTokens } from '../mentions/mention-tokens.js';
import { highestTokenId } from './highest-token-id.js';
import { TextTokenizer } from './text-tokenizer.js';
import { forDocuments, readTokenizerFile } from './tokenizer-file.js';

/** What the Python package makes of texts, family by family (test/golden/tokenizers/make_tokenizers.py). */
interface Golden {
  readonly prefix: number[];
  readonly suffix: number[];
  readonly highest: number;
  readonly long: { readonly tokens: number; readonly ids: string; readonly ranges: string };
  readonly texts: readonly { readonly text: string; readonly ids: number[]; readonly ranges: number[] }[];
}

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const golden: { readonly [family: string]: Golden } = JSON.parse(
  readFileSync(join(root, 'test/golden/tokenizers/tokenizers.json'), 'utf8'),
);
const corpus = gunzipSync(readFileSync(join(root, 'examples/demo/corpus.jsonl.gz')))
  .toString('utf8')
  .split('\n', 400)
  .map((line) => JSON.parse(line).text as string);

const fixture = (family: string) => join(root, 'test/fixtures/tokenizers', `${family}.json`);
const digest = (values: readonly number[]) => createHash('sha256').update(JSON.stringify(values)).digest('hex');

/** Ranges without characters stand where the range before them ends, so that ranges never fall. */
function inOrder(ranges: readonly number[]): number[] {
  const ordered = [...ranges];
  for (let i = 0; i < ordered.length; i += 2) {
    if (ordered[i] === ordered[i + 1]) ordered.fill(i === 0 ? 0 : (ordered[i - 1] as number), i, i + 2);
  }
  return ordered;
}

/** The ids of tokens that are no text. */
function specialIds(family: string): Set<number> {
  const tokens = readTokenizerFile(fixture(family)).added_tokens ?? [];
  return new Set(tokens.filter(({ special, content }) => special && !/unk/i.test(content)).map(({ id }) => id));
}

/** Pieces that texts break on, in any order. */
const pieces = [
  ...[
    'a',
    'word',
    'B',
    '10,000',
    ' ',
    '  ',
    '\n',
    '\r\n',
    '\t',
    '...',
    "'RE",
    '’s',
    '</s>',
    '[SEP]',
    '<0x41>',
    '▁',
    'Ġ',
    '##',
  ],
  ...[
    'e\u0301',
    '\u0301',
    'q\u0307\u0323',
    'ﬁ',
    'İ',
    'ß',
    '①',
    'ｗ',
    '½',
    '㎏',
    'ﷺ',
    'ΑΣ',
    '\u0345',
    '\u1ac4',
    '\u{1d165}',
  ],
  ...[
    '😀',
    '👩‍👩‍👧',
    '🏳️‍🌈',
    '𝕊',
    '東京',
    'مرحبا',
    'שָׁלוֹם',
    'नमस्ते',
    '가',
    '\u1100',
    '\u1161',
    '\u11a8',
    '\u0600',
    '\u0d4e',
  ],
  ...['\u200d', '\u00ad', '\u0000', '\u3000', '\u00a0', '\ufeff', '\ufffd', '\ud800', '\udc00', '\u{e0100}'],
];
const random = randomNumbers(1);
const randomTexts = Array.from({ length: 300 }, () =>
  Array.from({ length: 1 + Math.floor(25 * random()) }, () => pieces[Math.floor(pieces.length * random())]).join(''),
);

describe.each(Object.keys(golden))('%s', (family) => {
  const reference = golden[family] as Golden;
  const texts = reference.texts.map(({ text }) => text);
  let tokenizer: TextTokenizer;
  beforeAll(async () => {
    tokenizer = await TextTokenizer.open(fixture(family));
  });

  test('puts round a text what its post-processor says, and gives no id above its highest', () => {
    expect([tokenizer.prefix, tokenizer.suffix]).toEqual([reference.prefix, reference.suffix]);
    expect(highestTokenId(fixture(family))).toBe(reference.highest);
  });

  test('gives the tokens and ranges of the reference', async () => {
    const { textBegins, ids, starts, ends } = await tokenizer.tokenize(texts);
    for (const [index, expected] of reference.texts.entries()) {
      const [begin, end] = [textBegins[index] as number, textBegins[index + 1] as number];
      const message = JSON.stringify(expected.text);
      expect([...ids.subarray(begin, end)], message).toEqual(expected.ids);
      const ranges = [...ids.subarray(begin, end)].flatMap((_, i) => [starts[begin + i], ends[begin + i]]);
      expect(ranges, message).toEqual(expected.ranges);
    }
  });

  test('has ranges in order, within the text, that split no character and leave out no word', async () => {
    const all = [...texts, ...randomTexts];
    const { textBegins, starts, ends } = await tokenizer.tokenize(all);
    for (const [index, text] of all.entries()) {
      const own = { starts, ends, begin: textBegins[index] as number, end: textBegins[index + 1] as number };
      for (const { 0: word, index: start } of text.matchAll(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu)) {
        const last = lastMentionToken(text, start, start + word.length, own);
        expect(last, JSON.stringify(text)).toBeGreaterThanOrEqual(own.begin);
      }
      let [from, to] = [0, 0];
      for (let token = textBegins[index] as number; token < (textBegins[index + 1] as number); token++) {
        const [start, end] = [starts[token] as number, ends[token] as number];
        const message = `${JSON.stringify(text)} ${start} ${end}`;
        expect(start >= from && end >= to && start <= end && end <= text.length, message).toBe(true);
        expect(/[\udc00-\udfff]/.test(text.charAt(start)) && /[\ud800-\udbff]/.test(text.charAt(start - 1))).toBe(
          false,
        );
        expect(/[\udc00-\udfff]/.test(text.charAt(end)) && /[\ud800-\udbff]/.test(text.charAt(end - 1))).toBe(false);
        [from, to] = [start, end];
      }
    }
  });

  test('finds for every word the token that holds its last character, and nowhere a special token', async () => {
    const { textBegins, ids, starts, ends } = await tokenizer.tokenize(texts);
    const special = specialIds(family);
    expect([...ids].filter((id) => special.has(id))).toEqual([]);
    let words = 0;
    for (const [index, text] of texts.entries()) {
      const ranges = { starts, ends, begin: textBegins[index] as number, end: textBegins[index + 1] as number };
      for (const { 0: word, index: start } of text.matchAll(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu)) {
        const end = start + word.length;
        const message = `${JSON.stringify(text)} ${word}`;
        const last = lastMentionToken(text, start, end, ranges);
        expect(last, message).toBeGreaterThanOrEqual(ranges.begin);
        // Normalisers drop accents: then it is the letter below that is held.
        const held = text.slice(starts[last], ends[last]);
        const rest = text.slice(ends[last], end);
        expect(/^\p{M}*$/u.test(rest) && held.trim() !== '', message).toBe(true);
        const next = last + 1 < ranges.end ? (starts[last + 1] as number) : text.length;
        expect(next >= end || /^\p{M}*$/u.test(text.slice(next, end)), message).toBe(true);
        expect(firstMentionToken(start, last, ranges), message).toBeLessThanOrEqual(last);
        words++;
      }
      const own = ownTokens(ranges);
      if (/[\p{L}\p{N}]$/u.test(text)) expect(ends[own?.last ?? -1], text).toBe(text.length);
    }
    expect(words).toBeGreaterThan(80);
  });

  test('gives a long text the tokens of the whole, in parts', async () => {
    const text = corpus.join(' ');
    expect(text.length).toBeGreaterThan(3 * 65_536);
    const { textBegins, ids, starts, ends } = await tokenizer.tokenize([texts[0] as string, text, texts[0] as string]);
    const [begin, end] = [textBegins[1] as number, textBegins[2] as number];
    expect(end - begin).toBe(reference.long.tokens);
    expect(digest([...ids.subarray(begin, end)])).toBe(reference.long.ids);
    const codePoints = new Map(Array.from(codePointOffsets(text) ?? [], (offset, i) => [offset, i]));
    const ranges = [...ids.subarray(begin, end)].flatMap((_, i) => [starts[begin + i], ends[begin + i]] as number[]);
    expect(digest(ranges.map((offset) => codePoints.get(offset) ?? offset))).toBe(reference.long.ranges);
  });

  test('gives any long text the tokens of the whole', async () => {
    const whole = Tokenizer.fromString(JSON.stringify(forDocuments(readTokenizerFile(fixture(family)))));
    const random = randomNumbers(7);
    const parts = [...texts, ...corpus.slice(0, 50).map((text) => text.slice(0, 80))];
    const between = ['', ' ', '  ', '\n', '. ', '.\n\n', ' a b ', '\t'];
    const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
    // White space that patterns take together with what stands before it, and one place to cut at.
    const longTexts = ['Stop...\n\nGo!\r\n  on  and on.\tＷａｉｔ'.repeat(4000)];
    for (let round = 0; round < 2; round++) {
      let text = '';
      while (text.length < 150_000) text += pick(parts) + pick(between);
      longTexts.push(text);
    }
    for (const text of longTexts) {
      const encoding = await whole.encode(text, null, { addSpecialTokens: false });
      const offsets = codePointOffsets(text);
      const { ids, starts, ends } = await tokenizer.tokenize([text]);
      expect(ids.length).toBe(encoding.getLength());
      expect(digest([...ids])).toBe(digest(encoding.getIds()));
      const edges = encoding
        .getOffsets()
        .flat()
        .map((edge) => offsets?.[edge] ?? edge);
      expect(digest([...ids].flatMap((_, i) => [starts[i], ends[i]] as number[]))).toBe(digest(inOrder(edges)));
    }
  });
});

test('characters that are dropped before a text move no range', async () => {
  // The reference moves them all: each by the number of characters that its compiled normaliser dropped.
  for (const family of ['t5', 'xlm-roberta']) {
    const tokenizer = await TextTokenizer.open(fixture(family));
    const text = '\u00ad\u0001ab cd';
    const { ids, starts, ends } = await tokenizer.tokenize([text, 'ab cd']);
    const plain = ids.length / 2;
    expect([...ids.subarray(0, plain)]).toEqual([...ids.subarray(plain)]);
    expect([...starts.subarray(0, plain)]).toEqual(Array.from(starts.subarray(plain), (start) => start + 2));
    expect([...ends.subarray(0, plain)]).toEqual(Array.from(ends.subarray(plain), (end) => end + 2));
    expect((await tokenizer.tokenize(['\u00ad'])).ids.length).toBe(0);
  }
});
