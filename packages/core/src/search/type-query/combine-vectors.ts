/** A unit vector [dimensions] and how much it counts. */
export interface WeightedVector {
  readonly vector: Float32Array;
  readonly weight: number;
}

export interface CombinedVectors {
  readonly all: readonly WeightedVector[];
  readonly not: readonly WeightedVector[];
  readonly examples: readonly WeightedVector[];
}

/**
 * How much what is excluded counts beside the descriptions' 1, and an example without its sentence beside one in it. Measured, as the
 * rest: `node bench/combined-descriptions.mjs`, see docs/searching.md.
 */
const notShare = 0.2;
export const aloneWeight = 0.4;

/**
 * One vector of length 1 for a combination: mean of `all` + n / (n + 1) · mean of n `examples` − 0.2 · mean of `not`, each vector times
 * its weight (J. J. Rocchio, Relevance feedback in information retrieval, 1971). One example may be an odd one, so that it counts half
 * as much as the description; more of them are surer. Means, not sums: with a sum, three excluded types would drown what is searched
 * for. Null where the parts cancel each other out.
 */
export function combineVectors({ all, not, examples }: CombinedVectors, dimensions: number): Float32Array | null {
  const sum = new Float64Array(dimensions);
  addMean(sum, all, 1);
  addMean(sum, examples, examples.length / (examples.length + 1));
  addMean(sum, not, -notShare);
  const length = Math.hypot(...sum);
  return length > smallestLength ? Float32Array.from(sum, (value) => value / length) : null;
}

/** Below this, what is left is the rounding of float32. */
const smallestLength = 1e-5;

function addMean(sum: Float64Array, parts: readonly WeightedVector[], share: number): void {
  for (const { vector, weight } of parts) {
    const factor = (share * weight) / parts.length;
    for (let column = 0; column < sum.length; column += 1) {
      sum[column] = (sum[column] as number) + factor * (vector[column] as number);
    }
  }
}
