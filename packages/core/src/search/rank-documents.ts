import type { LoadedVectors } from './loaded-vectors.js';

/** A document in a ranking: its best mention is the evidence. */
export interface RankedDocument {
  readonly ordinal: number;
  /** Row of the best mention. */
  readonly row: number;
  readonly score: number;
}

/**
 * The best `limit` documents of each query, each once, by its best mention. Nobody knows how many rows that takes: as many as one
 * document has mentions may stand before the second document. So ask for some rows and, where they do not do, for twice as many.
 *
 * `queries` [n, dimensions], `minScores` [n]
 */
export async function rankDocuments(
  vectors: LoadedVectors,
  queries: Float32Array,
  dimensions: number,
  limit: number,
  minScores: readonly number[],
): Promise<RankedDocument[][]> {
  const results: RankedDocument[][] = Array.from({ length: queries.length / dimensions }, () => []);
  let pending = results.map((_, query) => query);
  for (let depth = limit * 2 + 8; pending.length > 0; depth *= 2) {
    const rowsBefore = vectors.rows;
    const nearest = await vectors.nearest(gather(queries, dimensions, pending), depth);
    const sawAll = nearest.limit >= rowsBefore;
    const unfinished: number[] = [];
    for (const [place, query] of pending.entries()) {
      const from = place * nearest.limit;
      const to = from + nearest.limit;
      const minScore = minScores[query] as number;
      const ranked = group(
        vectors,
        nearest.rows.subarray(from, to),
        nearest.scores.subarray(from, to),
        limit,
        minScore,
      );
      const belowThreshold = nearest.limit > 0 && (nearest.scores[to - 1] as number) < minScore;
      if (ranked.length === limit || sawAll || belowThreshold) results[query] = ranked;
      else unfinished.push(query);
    }
    pending = unfinished;
  }
  return results;
}

/** The first `limit` living documents among rows that stand best first. */
function group(
  vectors: LoadedVectors,
  rows: Uint32Array,
  scores: Float32Array,
  limit: number,
  minScore: number,
): RankedDocument[] {
  const ranked: RankedDocument[] = [];
  const seen = new Set<number>();
  for (const [place, row] of rows.entries()) {
    const score = scores[place] as number;
    if (score < minScore || ranked.length === limit) break;
    const ordinal = vectors.documentOf(row);
    if (seen.has(ordinal) || vectors.isDead(ordinal)) continue;
    seen.add(ordinal);
    ranked.push({ ordinal, row, score });
  }
  return ranked;
}

/** The vectors of some queries, side by side. */
function gather(queries: Float32Array, dimensions: number, chosen: readonly number[]): Float32Array {
  if (chosen.length * dimensions === queries.length) return queries;
  const gathered = new Float32Array(chosen.length * dimensions);
  for (const [place, query] of chosen.entries()) {
    gathered.set(queries.subarray(query * dimensions, (query + 1) * dimensions), place * dimensions);
  }
  return gathered;
}
