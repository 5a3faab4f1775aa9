import { type Pooling, poolSpans } from '@ner-retriever/native';
import type { EncodedWindow } from '../encoder/encoded-window.js';

/** The tokens of a mention, counted from its text's first, both inclusive, and the window that shows it best. */
export interface PlacedMention {
  readonly first: number;
  readonly last: number;
  readonly window: EncodedWindow;
}

/** One vector a mention, in their order: [mentions, dimensions]. Of a mention longer than its window, what the window shows. */
export function poolMentions(mentions: readonly PlacedMention[], dimensions: number, pooling: Pooling): Float32Array {
  const rows = new Float32Array(mentions.length * dimensions);
  for (const [{ tap }, indices] of groupByOutput(mentions)) {
    const spans = Int32Array.from(indices.flatMap((index) => rowSpan(mentions[index] as PlacedMention)));
    const pooled = poolSpans(tap, dimensions, spans, pooling);
    for (const [i, index] of indices.entries()) {
      rows.set(pooled.subarray(i * dimensions, (i + 1) * dimensions), index * dimensions);
    }
  }
  return rows;
}

/** Half-open rows of the window's output. */
function rowSpan({ first, last, window: { range, row } }: PlacedMention): [number, number] {
  const begin = Math.max(first, range.begin);
  const end = Math.min(last + 1, range.end);
  return [row + begin - range.begin, row + end - range.begin];
}

function groupByOutput(mentions: readonly PlacedMention[]): Map<PlacedMention['window']['output'], number[]> {
  const groups = new Map<PlacedMention['window']['output'], number[]>();
  for (const [index, { window }] of mentions.entries()) {
    const group = groups.get(window.output);
    if (group === undefined) groups.set(window.output, [index]);
    else group.push(index);
  }
  return groups;
}
