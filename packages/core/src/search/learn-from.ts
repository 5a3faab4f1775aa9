/** The documents that are taken to be right: the first of a ranking. */
export const learntDocuments = 10;

/**
 * A query that has learnt from what it found (J. J. Rocchio, Relevance feedback in information retrieval, 1971; nobody is asked: the
 * first of a ranking count as relevant): the query's vector and the mean of the found ones, which counts as much, of length 1. The found
 * vector at place p of the ranking weighs 1 / p, so that a type of one or two documents is not drowned by what comes after them.
 *
 * @param query [dimensions], of length 1
 * @param found the best first: [dimensions] each, of length 1
 */
export function learnFrom(query: Float32Array, found: readonly Float32Array[]): Float32Array {
  const weights = found.map((_, index) => 1 / (index + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const sum = Float64Array.from(query);
  for (const [place, vector] of found.entries()) {
    const share = (weights[place] as number) / total;
    for (const [column, value] of vector.entries()) sum[column] = (sum[column] as number) + share * value;
  }
  const length = Math.hypot(...sum);
  // What was found is the query's opposite, or the query is nothing: there is nothing to learn.
  return length > smallestLength ? Float32Array.from(sum, (value) => value / length) : query;
}

/** Below this, what is left is the rounding of float32. */
const smallestLength = 1e-5;
