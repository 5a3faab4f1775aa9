import { bins, middle } from './score-histogram.js';

/**
 * Fitted, with `priorShare` and `priorWeight`, to the bundled English model on silver paragraphs of types that trained it
 * (docs/cut-off.md says how), none of a benchmark. The ratio rises e-fold with every 0.053 of cosine. Texts that are long
 * or all of one subject raise all best mentions, noise too, so what the worst twentieth of the documents scores counts against it.
 */
const intercept = -10;
const perScore = 18.7;
const perBackground = 4;

/** The share of the documents, of the worst ones, that is surely noise. */
const backgroundShare = 0.05;

/**
 * For a document in each bin: how many times likelier such a score is if the document mentions the type than if it does not, [bins].
 * Rises with the score.
 */
export function likelihoodRatios(counts: Float64Array): Float64Array {
  const background = quantile(counts, backgroundShare);
  return new Float64Array(bins).map((_, bin) =>
    Math.exp(intercept + perScore * middle(bin) - perBackground * background),
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
