/** Bins of equal width from -1 to 1: fine enough that a cut between two of them is no coarser than a printed score. */
export const bins = 800;

/**
 * How many of the cosines lie in each bin, [bins]: what stands for a ranking of any length. What rounding put a little outside counts
 * in the outermost bins; NaN, which is no score, nowhere.
 */
export function scoreHistogram(scores: Float32Array): Float64Array {
  const counts = new Float64Array(bins);
  for (const score of scores) {
    if (Number.isNaN(score)) continue;
    const bin = Math.min(bins - 1, Math.max(0, Math.floor(((score + 1) * bins) / 2)));
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts;
}

/** Lowest score of a bin; of bin `bins`, which there is not, the end of the scale. */
export function lowerEdge(bin: number): number {
  return (2 * bin) / bins - 1;
}

export function middle(bin: number): number {
  return lowerEdge(bin + 0.5);
}
