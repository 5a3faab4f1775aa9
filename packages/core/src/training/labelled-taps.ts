import { createHash } from 'node:crypto';
import { crc32c } from '@ner-retriever/native';
import type { LabelledType } from '../evaluation/labelled-corpus.js';
import type { Matrix } from '../matrix.js';

/** A mention whose vector is known. */
export interface TapMention {
  /** Place of its document, counted from 0. */
  readonly document: number;
  /** Places of its types. */
  readonly types: readonly number[];
}

/** What a head is trained on: a labelled corpus, and its vectors at a model's tap, before any head. */
export interface LabelledTaps {
  readonly types: readonly LabelledType[];
  readonly mentions: readonly TapMention[];
  /** Texts of the documents; hard negatives are looked for in them. */
  readonly documents: readonly string[];
  /** One row a type (its readable name, as a query is embedded), then one row a mention. */
  readonly vectors: Matrix;
}

/** The row of a mention. */
export function mentionRow(taps: LabelledTaps, mention: number): number {
  return taps.types.length + mention;
}

/** Names these vectors and labels: another one means other training data. */
export function tapsDigest({ types, mentions, vectors }: LabelledTaps): string {
  const { buffer, byteOffset, byteLength } = vectors.data;
  const hash = createHash('sha256');
  hash.update(`${vectors.columns} ${crc32c(new Uint8Array(buffer, byteOffset, byteLength))}\n`);
  hash.update(JSON.stringify(types.map(({ query, other }) => [query, other])));
  for (const { document, types: own } of mentions) hash.update(`\n${document} ${own.join(' ')}`);
  return hash.digest('hex');
}
