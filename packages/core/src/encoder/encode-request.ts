import type { Pooling } from '../model/pooling.js';

/** How the mentions of a text are found: `given` spans, the model's own detector, or the text as one mention (a type description). */
export const MentionSource = { given: 0, detector: 1, wholeText: 2 } as const;

/** What a worker is asked: flat arrays, because they cross a thread. Texts number T, given spans S. */
export interface EncodeRequest {
  readonly texts: readonly string[];
  /** [T], a `MentionSource` each. */
  readonly sources: Uint8Array;
  /** [T], given spans of each text. */
  readonly spanCounts: Int32Array;
  /** [S, 2], UTF-16 start and end, text after text; all of them lie in their text and are not empty. */
  readonly spans: Int32Array;
  readonly vectors: 'none' | 'projected' | 'raw';
  /** Of raw vectors: those of several poolings stand side by side in a row. */
  readonly poolings: readonly Pooling[];
  /** Of the detector: the least P(B) + P(I) of a word in a mention. */
  readonly threshold: number;
}

/** What a worker answers: M mentions, text after text, given ones in the order of their spans. */
export interface EncodeResult {
  /** [T], tokens of each text, special tokens and overlaps not counted. */
  readonly tokens: Int32Array<ArrayBuffer>;
  /** [T], mentions of each text. */
  readonly mentionCounts: Int32Array<ArrayBuffer>;
  /** [M, 2], UTF-16 start and end. */
  readonly spans: Int32Array<ArrayBuffer>;
  /** [M], the detector's confidence, NaN where the span was given. */
  readonly scores: Float32Array<ArrayBuffer>;
  /** [M], 1 where the mention has a token. */
  readonly usable: Uint8Array<ArrayBuffer>;
  /** [M, columns], NaN where the mention has no token; empty for `vectors: 'none'`. */
  readonly vectors: Float32Array<ArrayBuffer>;
}
