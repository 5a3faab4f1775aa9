/**
 * The bin from which on upwards the documents have the highest expected F1: twice the relevant ones among them, over their number and
 * all relevant ones.
 *
 * @param counts documents in each bin, at least one in all
 * @param probabilities of a document in each bin to be relevant; they rise, so that no bin between two good ones is left out
 */
export function bestBin(counts: Float64Array, probabilities: Float64Array): number {
  const relevant = counts.map((count, bin) => count * (probabilities[bin] as number));
  const allRelevant = relevant.reduce((sum, expected) => sum + expected, 0);
  let best = counts.length;
  let highest = -1;
  let documents = 0;
  let found = 0;
  for (let bin = counts.length - 1; bin >= 0; bin -= 1) {
    if (counts[bin] === 0) continue;
    documents += counts[bin] as number;
    found += relevant[bin] as number;
    const expectedF1 = (2 * found) / (documents + allRelevant);
    if (expectedF1 <= highest) continue;
    highest = expectedF1;
    best = bin;
  }
  return best;
}
