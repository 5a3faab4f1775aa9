import type { CutOffConstants } from '../model/cut-off-constants.js';
import { estimateCutOff } from '../search/cut-off/estimate-cut-off.js';
import type { ScoredDocuments } from './ranking.js';

/**
 * The obvious alternative to an estimate: the one threshold whose cut has the best mean F1 on the silver paragraphs that the bundled
 * model's constants were fitted to (docs/cut-off.md).
 */
export const fixedMinScore = 0.74;

/** How good the set is that the estimated cut-off leaves of a ranking, for one type. */
export interface CutOffMeasures {
  /** The estimate. */
  readonly minScore: number;
  /** Documents above it. */
  readonly documents: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Of the best cut that this ranking has. */
  readonly bestF1: number;
  /** Of the cut at `fixedMinScore`. */
  readonly fixedF1: number;
  /** Documents above the estimate as a multiple of the relevant ones. */
  readonly countRatio: number;
}

/** @param relevant at least one document; what is not in the ranking is not found */
export function measureCutOff(
  { documents, scores }: ScoredDocuments,
  relevant: ReadonlySet<number>,
  constants: CutOffConstants,
): CutOffMeasures {
  const estimate = estimateCutOff(scores, constants);
  /** Relevant documents among the first so many. */
  const found = [0];
  for (const document of documents) found.push((found.at(-1) as number) + (relevant.has(document) ? 1 : 0));
  const f1 = (first: number) => (2 * (found[first] as number)) / (first + relevant.size);
  const fixed = scores.reduce((sum, score) => sum + (score >= fixedMinScore ? 1 : 0), 0);
  const right = found[estimate.documents] as number;
  return {
    ...estimate,
    precision: estimate.documents === 0 ? 0 : right / estimate.documents,
    recall: right / relevant.size,
    f1: f1(estimate.documents),
    bestF1: found.reduce((best, _, first) => Math.max(best, f1(first)), 0),
    fixedF1: f1(fixed),
    countRatio: estimate.documents / relevant.size,
  };
}
