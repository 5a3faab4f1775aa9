import type { IndexSnapshot } from '../index/index-snapshot.js';
import type { DocumentBits } from '../index/segments/document-set.js';
import type { CutOffConstants } from '../model/cut-off-constants.js';
import { type CutOff, estimateCutOff } from './cut-off/estimate-cut-off.js';
import type { RankedRows } from './load-hits.js';

export interface CutRanking extends RankedRows {
  /** Where the ranking was cut, if that was to be estimated. */
  readonly cutOff?: CutOff;
}

/**
 * The whole ranking of one query, down to a score, or to where the type is estimated to end among the documents that may be found.
 *
 * @param query [dimensions]
 * @param minScore the score, or the constants of the estimate
 */
export async function rankDocuments(
  { vectors }: IndexSnapshot,
  query: Float32Array,
  documents: DocumentBits,
  minScore: number | CutOffConstants = Number.NEGATIVE_INFINITY,
): Promise<CutRanking> {
  if (typeof minScore === 'number') return vectors.rank(query, { documents, minScore });
  const { rows, scores } = await vectors.rank(query, { documents });
  const cutOff = estimateCutOff(scores, minScore);
  return { rows: rows.subarray(0, cutOff.documents), scores: scores.subarray(0, cutOff.documents), cutOff };
}
