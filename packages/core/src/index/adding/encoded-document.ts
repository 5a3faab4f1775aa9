import type { Mention, SkippedMention } from '../../mentions/mention.js';
import type { Document } from '../../text/document.js';

/** What the encoder makes of one document. */
export interface EncodedDocument {
  /** The mentions that have a vector. */
  readonly mentions: readonly Mention[];
  /** [mentions.length, dimensions] */
  readonly vectors: Float32Array;
  readonly skipped: readonly SkippedMention[];
  readonly tokens: number;
}

/** Encodes documents, in their order; may be called again before earlier calls are done. */
export type EncodeDocuments = (documents: readonly Document[], signal: AbortSignal) => Promise<EncodedDocument[]>;
