/** Half-open range of UTF-16 code units, JavaScript's own string offsets. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A mention of an entity in a text: `text === document.text.slice(start, end)`. */
export interface Mention extends Span {
  readonly text: string;
  /** The detector's confidence, 0 to 1; absent where the span was given. */
  readonly score?: number;
}

/** Why a mention cannot be used; never dropped in silence. */
export type SkipReason = 'empty' | 'outside-text' | 'splits-character' | 'no-token';

export interface SkippedMention extends Span {
  readonly reason: SkipReason;
}
