import type { CutOffConstants } from '../../model/cut-off-constants.js';
import { bins, middle } from './score-histogram.js';

/**
 * The share of the documents, of the worst ones, that is surely noise. Texts that are long or all of one subject raise all best
 * mentions, noise too, so what the best of these scores counts against a score.
 */
const backgroundShare = 0.05;

/**
 * For a document in each bin: how many times likelier such a score is if the document mentions the type than if it does not, [bins].
 * Rises with the score.
 */
export function likelihoodRatios(counts: Float64Array, constants: CutOffConstants): Float64Array {
  const { intercept, scoreWeight, backgroundWeight } = constants;
  const background = quantile(counts, backgroundShare);
  return new Float64Array(bins).map((_, bin) =>
    Math.exp(intercept + scoreWeight * middle(bin) - backgroundWeight * background),
  );
}

/** The score below which a share of all lies. */
function quantile(counts: Float64Array, share: number): number {
  const wanted = share * counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  const bin = counts.findIndex((count) => {
    below += count;
    return below >= wanted && below > 0;
  });
  return middle(bin);
}
