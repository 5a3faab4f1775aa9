import { fileURLToPath } from 'node:url';
import { type Document, Embedder } from '@ner-retriever/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeOnce } from './encode-once.js';
import type { EncodeDocuments, EncodedDocument } from './encoded-document.js';

const model = fileURLToPath(new URL('../../../../../test/fixtures/tiny-model', import.meta.url));
const { signal } = new AbortController();

/** Small seeded generator (mulberry32), [0, 1). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Documents of few texts, some with spans: most of them come more than once. */
function documents(count: number, seed: number): Document[] {
  const random = randomNumbers(seed);
  const names = ['Microraptor', 'Angela Merkel', 'Maria Callas', 'the 🦖 exhibition', 'São Paulo'];
  return Array.from({ length: count }, (_, number) => {
    const name = names[Math.floor(random() * names.length)] as string;
    const text = `Report ${Math.floor(random() * 8)}: ${name} was seen again.`;
    const start = text.indexOf(name);
    const span = { start, end: start + name.length };
    const id = `d${number}`;
    if (random() < 0.3) return { id, text };
    return { id, text, mentions: random() < 0.5 ? [span] : [span, { start: 0, end: 6 }, { start: 3, end: 3 }] };
  });
}

const bits = ({ vectors }: EncodedDocument) => new Uint32Array(vectors.slice().buffer);
const contentOf = ({ text, mentions }: Document) => JSON.stringify([text, mentions]);

describe('texts that repeat', () => {
  let embedder: Embedder;
  let encoded: string[] = [];
  const encode: EncodeDocuments = async (some) => {
    encoded.push(...some.map(contentOf));
    const { documents: found, matrix } = await embedder.embedMentions(some);
    return found.map(({ mentions, skipped, tokens, firstRow, rows }) => ({
      mentions,
      skipped,
      tokens,
      vectors: matrix.data.subarray(firstRow * matrix.columns, (firstRow + rows) * matrix.columns),
    }));
  };
  beforeAll(async () => {
    embedder = await Embedder.open(model, { workers: 2 });
  });
  afterAll(() => embedder.close());

  test.each([1, 2, 3, 4, 5])(
    'are encoded once in a run, to the bits that encoding them anew gives (%i)',
    async (seed) => {
      const all = documents(120, seed);
      encoded = [];
      const once = encodeOnce(encode);
      // Three calls, two of them at once, as a run makes them.
      const parts = [all.slice(0, 50), all.slice(50, 100), all.slice(100)];
      const firstTwo = await Promise.all(parts.slice(0, 2).map((part) => once(part, signal)));
      const got = [...firstTwo, await once(parts[2] as Document[], signal)].flat();

      expect(encoded.length).toBe(new Set(all.map(contentOf)).size);
      expect(new Set(encoded).size).toBe(encoded.length);
      for (const [place, document] of all.entries()) {
        const [anew] = await encode([document], signal);
        const { vectors, ...rest } = anew as EncodedDocument;
        expect(got[place]).toMatchObject(rest);
        expect(bits(got[place] as EncodedDocument)).toEqual(bits(anew as EncodedDocument));
      }
    },
  );

  test('are forgotten, the least recently used first, when they take too much memory', async () => {
    const one = (text: string): Document => ({ id: text, text, mentions: [] });
    const asked: string[] = [];
    const once = encodeOnce(
      async (some) => {
        asked.push(...some.map(({ text }) => text));
        return some.map(() => ({ mentions: [], vectors: new Float32Array(1000), skipped: [], tokens: 1 }));
      },
      10_000, // bytes: two of these
    );
    for (const text of ['a', 'b', 'a', 'c', 'a', 'b']) await once([one(text)], signal);
    expect(asked).toEqual(['a', 'b', 'c', 'b']);
  });

  test('a failure is told to all that wait for it', async () => {
    const once = encodeOnce(async () => {
      throw new Error('no');
    });
    const one = { id: 'a', text: 'a' };
    await expect(Promise.all([once([one], signal), once([one], signal)])).rejects.toThrow('no');
  });
});
