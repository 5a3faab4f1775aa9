import type { CutOffConstants } from '../model/cut-off-constants.js';
import type { SystemName } from './evaluation-report.js';

/** A whole ranking, best first, with the score of each document. */
export interface ScoredDocuments {
  readonly documents: readonly number[];
  readonly scores: Float32Array;
}

/** A system under measurement. Documents are numbers, counted from 0 in the order of their corpus. */
export interface Ranking {
  readonly system: SystemName;
  /** The first `count` (Infinity: all) distinct documents for a type's readable name, best first; fewer where fewer are found. */
  best(query: string, count: number): Promise<number[]>;
  /** How its scores tell where a type ends, where that is known. */
  readonly cutOff?: CutOffConstants | undefined;
  /** All documents with their scores, where these are cosines: what a cut-off can be estimated from. */
  scored?(query: string): Promise<ScoredDocuments>;
}
