/** Words `first` to `last` (inclusive), and how sure a model is of them. */
export interface ScoredSpan {
  readonly first: number;
  readonly last: number;
  readonly score: number;
}

/**
 * GLiNER's greedy search: spans by falling score, each kept unless it overlaps one that was kept before. With `nested`, spans that lie
 * one within the other are both kept.
 */
export function selectSpans(spans: readonly ScoredSpan[], nested: boolean): ScoredSpan[] {
  const kept: ScoredSpan[] = [];
  const keptAt = new Map<number, ScoredSpan[]>();
  for (const span of [...spans].sort((a, b) => b.score - a.score)) {
    const words = Array.from({ length: span.last - span.first + 1 }, (_, i) => span.first + i);
    if (words.some((word) => keptAt.get(word)?.some((other) => !nested || !goTogether(span, other)))) continue;
    kept.push(span);
    for (const word of words) {
      const here = keptAt.get(word);
      if (here === undefined) keptAt.set(word, [span]);
      else here.push(span);
    }
  }
  return kept;
}

/** Of two spans that share a word: one lies within the other, and they are not the same. */
function goTogether(a: ScoredSpan, b: ScoredSpan): boolean {
  if (a.first === b.first && a.last === b.last) return false;
  return (a.first <= b.first && a.last >= b.last) || (b.first <= a.first && b.last >= a.last);
}
