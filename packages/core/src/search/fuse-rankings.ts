/** A document's place in the fused ranking is where it comes; this is where it stood in the first ranking. */
export interface FusedPlace {
  /** Counted from 0. */
  readonly index: number;
  /** The sum of 1 / (60 + place), at most 2 / 61. */
  readonly score: number;
}

/** Dampens the first places, so that one ranking alone cannot decide (Cormack, Clarke, Büttcher, SIGIR 2009). */
const k = 60;

/**
 * Reciprocal rank fusion: the documents of `ranking` anew, best first, by the sum of 1 / (60 + place) over both rankings, places counted
 * from 1. Equal scores stand as in `ranking`. What only `other` has found is not in the result, and counts as a place in `other` all the
 * same.
 *
 * @param ranking numbers of documents, best first, each once
 * @param other the same of the other ranking
 */
export function* fuseRankings(ranking: Uint32Array, other: readonly number[]): Generator<FusedPlace, void, undefined> {
  const shares = new Map(other.map((document, index) => [document, share(index)]));
  const raised: FusedPlace[] = [];
  for (const [index, document] of ranking.entries()) {
    const more = shares.get(document);
    if (more !== undefined) raised.push({ index, score: share(index) + more });
  }
  raised.sort((one, two) => two.score - one.score || one.index - two.index);

  // Those that only `ranking` has are in order as they stand: the others, who alone had to be sorted, are merged in.
  let next = 0;
  for (const [index, document] of ranking.entries()) {
    if (shares.has(document)) continue;
    const score = share(index);
    for (; next < raised.length; next += 1) {
      const candidate = raised[next] as FusedPlace;
      if (candidate.score < score || (candidate.score === score && candidate.index > index)) break;
      yield candidate;
    }
    yield { index, score };
  }
  yield* raised.slice(next);
}

/** What a place counts, `index` counted from 0. */
function share(index: number): number {
  return 1 / (k + index + 1);
}
