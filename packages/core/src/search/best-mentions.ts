import type { SegmentIndex } from '@ner-retriever/native';
import type { Evidence } from './load-hits.js';

/** A mention by its place in its document, from 0. */
export interface ScoredMention {
  readonly index: number;
  readonly score: number;
}

/**
 * The best mentions of documents, each document's best first; equal scores: the earlier mention first.
 *
 * @param documents first row and number of rows of each document
 */
export async function bestMentions(
  vectors: SegmentIndex,
  { firstRows, counts }: { firstRows: Uint32Array; counts: Uint32Array },
  { query, limit }: Evidence,
): Promise<ScoredMention[][]> {
  const rows = new Uint32Array(counts.reduce((sum, count) => sum + count, 0));
  let end = 0;
  for (const [place, count] of counts.entries()) {
    for (let index = 0; index < count; index += 1) rows[end++] = (firstRows[place] as number) + index;
  }
  const scores = await vectors.scores(query, rows);
  let from = 0;
  return Array.from(counts, (count) => {
    const own = Array.from(scores.subarray(from, from + count), (score, index) => ({ index, score }));
    from += count;
    return own.sort((one, two) => two.score - one.score || one.index - two.index).slice(0, limit);
  });
}
