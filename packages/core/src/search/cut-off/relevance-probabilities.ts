import type { CutOffConstants } from '../../model/cut-off-constants.js';

/** Steps of the expectation maximisation; it has settled long before. */
const steps = 40;

/**
 * For a document in each bin: how probable it is that it mentions the type. That takes the type's share of the corpus, which nobody
 * gave. The ratios alone tell it (Saerens, Latinne, Decaestecker 2002): from a share follow probabilities, their mean over all documents
 * is the next share, until it stays. So few high scores among thousands are taken for noise that got lucky, and the same scores in
 * most of a small corpus for the type.
 *
 * @param counts documents in each bin, at least one in all
 * @param ratios likelihood ratio of each bin
 */
export function relevanceProbabilities(
  counts: Float64Array,
  ratios: Float64Array,
  { typeShare, typeShareWeight }: Pick<CutOffConstants, 'typeShare' | 'typeShareWeight'>,
): Float64Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let share = typeShare;
  let probabilities = withShare(ratios, share);
  for (let step = 0; step < steps; step += 1) {
    const expected = counts.reduce((sum, count, bin) => sum + count * (probabilities[bin] as number), 0);
    share = (1 - typeShareWeight) * (expected / total) + typeShareWeight * typeShare;
    probabilities = withShare(ratios, share);
  }
  return probabilities;
}

function withShare(ratios: Float64Array, share: number): Float64Array {
  // In this form a ratio of 0 or beyond the largest number gives 0 or 1, not NaN.
  return ratios.map((ratio) => 1 / (1 + (1 - share) / (share * ratio)));
}
