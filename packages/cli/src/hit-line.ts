import type { Hit, Mention } from '@ner-retriever/core';

/** A hit as `search --jsonl` prints it. */
export interface HitLine {
  /** The description, as written; a combination as `describeTypeQuery` puts it. */
  readonly type: string;
  /** From 1, anew for each description. */
  readonly rank: number;
  readonly score: number;
  readonly id: string;
  readonly mention: Span;
  /** With --evidence: the best mentions, best first, each with its own score. */
  readonly mentions?: readonly (Span & { readonly score: number })[];
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export function hitLine(type: string, rank: number, { score, id, mention, mentions }: Hit): HitLine {
  const line = { type, rank, score, id, mention: span(mention) };
  if (!mentions) return line;
  return { ...line, mentions: mentions.map((one) => ({ ...span(one), score: one.similarity })) };
}

function span({ start, end, text }: Mention): Span {
  return { start, end, text };
}
