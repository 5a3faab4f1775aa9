import type { Hit } from '@ner-retriever/core';

/** A hit as `search --jsonl` prints it. */
export interface HitLine {
  /** The description, as written; a combination as `describeTypeQuery` puts it. */
  readonly type: string;
  /** From 1, anew for each description. */
  readonly rank: number;
  readonly score: number;
  readonly id: string;
  readonly mention: { readonly start: number; readonly end: number; readonly text: string };
}

export function hitLine(type: string, rank: number, { score, id, mention }: Hit): HitLine {
  return { type, rank, score, id, mention: { start: mention.start, end: mention.end, text: mention.text } };
}
