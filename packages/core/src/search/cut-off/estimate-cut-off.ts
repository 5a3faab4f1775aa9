import type { CutOffConstants } from '../../model/cut-off-constants.js';
import { bestBin } from './best-bin.js';
import { likelihoodRatios } from './likelihood-ratios.js';
import { relevanceProbabilities } from './relevance-probabilities.js';
import { lowerEdge, scoreHistogram } from './score-histogram.js';

/** Where a type is estimated to end in its ranking. */
export interface CutOff {
  /** The lowest score of a document that is taken to mention the type. */
  readonly minScore: number;
  /** How many documents score at least that. */
  readonly documents: number;
}

/**
 * Estimates where the type ends, from nothing but the scores of the whole ranking: the cut with the best expected F1. A histogram
 * stands for the ranking, so a million documents cost two passes over their scores and no copy of them.
 *
 * @param scores the cosine of every document's best mention, in any order; NaN counts as no document
 * @param constants those of the model that gave the scores
 */
export function estimateCutOff(scores: Float32Array, constants: CutOffConstants): CutOff {
  const counts = scoreHistogram(scores);
  if (counts.every((count) => count === 0)) return { minScore: 1, documents: 0 };
  const bin = bestBin(counts, relevanceProbabilities(counts, likelihoodRatios(counts, constants), constants));
  const minScore = lowerEdge(bin);
  return { minScore, documents: scores.reduce((sum, score) => sum + (score >= minScore ? 1 : 0), 0) };
}
