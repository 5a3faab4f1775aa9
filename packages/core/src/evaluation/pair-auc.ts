/**
 * Area under the ROC curve of two groups of scores: how often a positive one is above a negative one, a tie counting half
 * (Mann and Whitney's U over the number of pairs). Null where a group is empty.
 */
export function pairAuc(positive: readonly number[], negative: readonly number[]): number | null {
  if (positive.length === 0 || negative.length === 0) return null;
  const scores = [
    ...positive.map((score) => ({ score, isPositive: true })),
    ...negative.map((score) => ({ score, isPositive: false })),
  ].sort((one, other) => one.score - other.score);
  let ranks = 0;
  for (let begin = 0; begin < scores.length; ) {
    let end = begin;
    while (end < scores.length && scores[end]?.score === scores[begin]?.score) end++;
    // Equal scores share the mean of their ranks, which count from 1.
    const rank = (begin + 1 + end) / 2;
    for (; begin < end; begin++) if (scores[begin]?.isPositive) ranks += rank;
  }
  const wins = ranks - (positive.length * (positive.length + 1)) / 2;
  return wins / (positive.length * negative.length);
}
