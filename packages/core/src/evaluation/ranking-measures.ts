/** Places at which precision and recall are read. */
export const cutoffs = [10, 100, 1000] as const;

/** How good a ranking of documents is for one type (or, as macro means, for several), beside its R-Precision. From 0 to 1. */
export interface RankingMeasures {
  /** Mean, over the relevant documents, of the precision at the place of each; 0 for one that is not found. */
  readonly averagePrecision: number;
  /** Share of relevant documents among the first k. */
  readonly precisionAt: Readonly<Record<number, number>>;
  /** Share of the relevant documents that are among the first k. */
  readonly recallAt: Readonly<Record<number, number>>;
  /** Highest precision at any place with a recall of at least 0, 0.1, … 1: eleven points, never rising. */
  readonly precisionAtRecall: readonly number[];
}

/**
 * Measures one type's ranking, best first. A document that comes again (by another of its mentions) counts once, at its best place.
 * A ranking that ends early has found nothing more. Null for a type without relevant documents.
 */
export function measureRanking<Id>(ranking: Iterable<Id>, relevant: ReadonlySet<Id>): RankingMeasures | null {
  if (relevant.size === 0) return null;
  const places = placesOfRelevant(ranking, relevant);
  const within = (k: number) => places.filter((place) => place <= k).length;
  const precisions = places.map((place, before) => (before + 1) / place);
  return {
    averagePrecision: precisions.reduce((sum, precision) => sum + precision, 0) / relevant.size,
    precisionAt: Object.fromEntries(cutoffs.map((k) => [k, within(k) / k])),
    recallAt: Object.fromEntries(cutoffs.map((k) => [k, within(k) / relevant.size])),
    precisionAtRecall: Array.from({ length: 11 }, (_, tenths) => {
      // Whole numbers, so that a recall of exactly 0.3 is one.
      const needed = Math.max(1, Math.ceil((tenths * relevant.size) / 10));
      return precisions.slice(needed - 1).reduce((best, precision) => Math.max(best, precision), 0);
    }),
  };
}

/** Places (counted from 1, each document once) at which the ranking has relevant documents, in order. */
function placesOfRelevant<Id>(ranking: Iterable<Id>, relevant: ReadonlySet<Id>): number[] {
  const seen = new Set<Id>();
  const places: number[] = [];
  for (const id of ranking) {
    if (seen.has(id)) continue;
    seen.add(id);
    if (relevant.has(id)) places.push(seen.size);
  }
  return places;
}
