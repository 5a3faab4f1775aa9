/**
 * Groups windows of near lengths so that a batch, padding counted, has at most `budget` tokens; a window longer than that is a
 * batch alone. Returns indices into `lengths`.
 */
export function cutBatches(lengths: readonly number[], budget: number): number[][] {
  const order = lengths.map((_, index) => index).sort((a, b) => (lengths[a] as number) - (lengths[b] as number));
  const batches: number[][] = [];
  let batch: number[] = [];
  for (const index of order) {
    // In ascending order the window that joins is the longest, so all others are padded to it.
    if (batch.length > 0 && (batch.length + 1) * (lengths[index] as number) > budget) {
      batches.push(batch);
      batch = [];
    }
    batch.push(index);
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
