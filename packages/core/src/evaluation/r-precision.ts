/**
 * R-Precision of one type: with R relevant documents, the share of them among the first R distinct documents of the ranking.
 * A document that comes again (by another of its mentions) counts once, at its best place. A ranking that ends early has
 * found nothing more. Null for a type without relevant documents: there is nothing to find, which is neither good nor bad.
 */
export function rPrecision<Id>(ranking: Iterable<Id>, relevant: ReadonlySet<Id>): number | null {
  if (relevant.size === 0) return null;
  const first = new Set<Id>();
  let found = 0;
  for (const id of ranking) {
    if (first.size === relevant.size) break;
    if (first.has(id)) continue;
    first.add(id);
    if (relevant.has(id)) found += 1;
  }
  return found / relevant.size;
}
