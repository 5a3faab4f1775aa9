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
  /** The kept spans that hold a word. */
  const holding: (ScoredSpan[] | undefined)[] = [];
  for (const span of [...spans].sort((a, b) => b.score - a.score)) {
    if (isCrossed(span, holding, nested)) continue;
    kept.push(span);
    for (let word = span.first; word <= span.last; word++) {
      const here = holding[word];
      if (here === undefined) holding[word] = [span];
      else here.push(span);
    }
  }
  return kept;
}

function isCrossed(span: ScoredSpan, holding: readonly (ScoredSpan[] | undefined)[], nested: boolean): boolean {
  for (let word = span.first; word <= span.last; word++) {
    const here = holding[word];
    if (here !== undefined && (!nested || here.some((other) => !goTogether(span, other)))) return true;
  }
  return false;
}

/** Of two spans that share a word: one lies within the other, and they are not the same. */
function goTogether(a: ScoredSpan, b: ScoredSpan): boolean {
  if (a.first === b.first && a.last === b.last) return false;
  return (a.first <= b.first && a.last >= b.last) || (b.first <= a.first && b.last >= a.last);
}
