import type { NerRetrieverError } from '../errors.js';
import type { Span } from '../mentions/mention.js';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** One document, as users give it and get it back. */
export interface Document {
  readonly id: string;
  readonly text: string;
  /** Where the entities are, when the user knows; `[]` means that there are none; absent means that nobody looked yet. */
  readonly mentions?: readonly Span[];
  readonly metadata?: { readonly [key: string]: JsonValue };
}

/** Where a document came from. Lines count from 1. */
export interface Source {
  readonly file: string;
  readonly line: number;
}

/** A record as it stood in its file, without the end of its line: bytes where it is no UTF-8. */
export type RawRecord = string | Uint8Array;

/**
 * What a reader yields for each line: a document, or why there is none. `bytes` is how far into the file (as stored, compressed or not)
 * the reader is; `raw` is absent where no record was read, or one that is too large to be held.
 */
export type DocumentRecord = { readonly source: Source; readonly bytes: number; readonly raw?: RawRecord } & (
  | { readonly document: Document }
  | { readonly error: NerRetrieverError }
);
