import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Embedder } from '@ner-retriever/core';
import { readGoldenArray } from './read-golden-array.js';

/** The real tiny Llama, and what llama2.c's own arithmetic in float64 gives for it. */

const folder = new URL('../../fixtures/graphs/', import.meta.url);

export const graphFolder = (name: string): string => fileURLToPath(new URL(name, folder));

interface Text {
  readonly text: string;
  /** First row of the text in the arrays. */
  readonly row: number;
  readonly tokens: readonly number[];
  /** Half-open UTF-16 range of each token. */
  readonly offsets: readonly (readonly [start: number, end: number])[];
}

export const golden: {
  readonly blocks: number;
  readonly texts: readonly Text[];
  readonly taps: { readonly columns: Record<string, [number, number]> };
} = JSON.parse(readFileSync(new URL('stories260k/golden.json', folder), 'utf8'));

/** [block, row, 32] */
export const values = readGoldenArray(graphFolder('stories260k/value.npy'));

/** [block, row, columns], the other taps side by side, of the first texts. */
export const otherTaps = readGoldenArray(graphFolder('stories260k/taps.npy'));

/** The documents of all texts, each token's characters a mention. */
export const documents = golden.texts.map(({ text, offsets }) => ({
  text,
  mentions: offsets.filter(([start, end]) => start < end).map(([start, end]) => ({ start, end })),
}));

/** The golden row of each mention: of the last token that holds its last character. */
export function mentionRows(text: number): number[] {
  const { row, offsets } = golden.texts[text] as Text;
  const seen = new Set<string>();
  return offsets
    .filter(([start, end]) => start < end && !seen.has(`${start},${end}`) && seen.add(`${start},${end}`))
    .map(([, end]) => row + offsets.findLastIndex(([from, to]) => from <= end - 1 && to > end - 1));
}

/** Raw tap rows of all mentions, the documents embedded `together` at a time. */
export async function rawRows(model: string, together: number, count = documents.length): Promise<Float32Array[]> {
  await using embedder = await Embedder.open(model, { workers: 1 });
  const rows: Float32Array[] = [];
  for (let first = 0; first < count; first += together) {
    const some = documents.slice(first, Math.min(first + together, count));
    const { matrix } = await embedder.embedMentions(some, { raw: true, mentions: 'given' });
    for (let row = 0; row < matrix.rows; row++)
      rows.push(matrix.data.subarray(row * matrix.columns, (row + 1) * matrix.columns));
  }
  return rows;
}

/** Largest difference between rows and the golden ones. */
export function worstError(
  rows: readonly Float32Array[],
  goldenRow: (row: number) => ArrayLike<number>,
  count = documents.length,
): number {
  let worst = 0;
  let next = 0;
  for (let text = 0; text < count; text++) {
    for (const row of mentionRows(text)) {
      const expected = goldenRow(row);
      const received = rows[next++] as Float32Array;
      if (received.length !== expected.length) return Number.POSITIVE_INFINITY;
      for (const [column, value] of received.entries()) {
        const error = Math.abs(value - (expected[column] as number));
        if (!(error <= worst)) worst = error;
      }
    }
  }
  if (next !== rows.length || next === 0) throw new Error(`${rows.length} rows where the goldens have ${next}`);
  return worst;
}

/** The golden value vector of a row. */
export function goldenValue(block: number, row: number): ArrayLike<number> {
  const [, rows = 0, columns = 0] = values.shape;
  const begin = (block * rows + row) * columns;
  return values.data.subarray(begin, begin + columns);
}

/** The golden vector of another tap; rows of the first texts only. */
export function goldenTap(kind: string, block: number, row: number): ArrayLike<number> {
  const [, rows = 0, columns = 0] = otherTaps.shape;
  const [first, end] = golden.taps.columns[kind] as [number, number];
  const begin = (block * rows + row) * columns;
  return otherTaps.data.subarray(begin + first, begin + end);
}
