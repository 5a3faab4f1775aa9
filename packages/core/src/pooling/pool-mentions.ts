import { type Pooling, poolSpans } from '@ner-retriever/native';

/** The token rows of a mention: `begin` to `end` (half-open) of a batch's rows. */
export interface MentionRows {
  /** [rows, dimensions] of the whole batch, shared by the mentions in it. */
  readonly rows: Float32Array;
  readonly begin: number;
  readonly end: number;
}

/** One vector a mention, in their order: [mentions, dimensions]. */
export function poolMentions(
  mentions: readonly MentionRows[],
  dimensions: number,
  pooling: Exclude<Pooling, 'first+last'>,
): Float32Array {
  const batches = byBatch(mentions);
  const poolBatch = (rows: Float32Array, indices: readonly number[]) =>
    poolSpans(rows, dimensions, spansOf(mentions, indices), pooling);
  const [first] = batches;
  if (first !== undefined && batches.size === 1) return poolBatch(...first);

  const vectors = new Float32Array(mentions.length * dimensions);
  for (const [rows, indices] of batches) {
    const pooled = poolBatch(rows, indices);
    for (const [i, index] of indices.entries()) {
      vectors.set(pooled.subarray(i * dimensions, (i + 1) * dimensions), index * dimensions);
    }
  }
  return vectors;
}

/** [indices, 2]: begin and end of these mentions. */
function spansOf(mentions: readonly MentionRows[], indices: readonly number[]): Int32Array {
  const spans = new Int32Array(2 * indices.length);
  for (const [i, index] of indices.entries()) {
    const { begin, end } = mentions[index] as MentionRows;
    spans[2 * i] = begin;
    spans[2 * i + 1] = end;
  }
  return spans;
}

/** Indices of the mentions in each batch: one native call a batch. */
function byBatch(mentions: readonly MentionRows[]): Map<Float32Array, number[]> {
  const batches = new Map<Float32Array, number[]>();
  for (const [index, { rows }] of mentions.entries()) {
    const batch = batches.get(rows);
    if (batch === undefined) batches.set(rows, [index]);
    else batch.push(index);
  }
  return batches;
}
