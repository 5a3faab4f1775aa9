import type { IndexSnapshot } from '../index/index-snapshot.js';
import { type DocumentBits, hasDocument } from '../index/segments/document-set.js';
import { fuseRankings } from './fuse-rankings.js';
import type { Hit } from './hit.js';
import { type Evidence, loadHits } from './load-hits.js';

export interface HybridQuery {
  readonly description: string;
  /** The description's vector: [dimensions]. */
  readonly query: Float32Array;
  /** The documents that may be found. */
  readonly documents: DocumentBits;
}

/**
 * The documents of a snapshot that have a vector, ranked by their vectors and by the words of their texts (BM25), both rankings fused.
 * Both are whole, as the fusion is defined over places: those among the documents that may be found. What BM25 finds and no vector stands for is no hit: it has no mention to show.
 */
export async function* hybridHits(
  snapshot: IndexSnapshot,
  { description, query, documents }: HybridQuery,
  evidence: Evidence | undefined,
): AsyncGenerator<Hit, void, undefined> {
  const { catalog, vectors } = snapshot;
  const { rows } = await vectors.rank(query, { documents });
  const ordinals = vectors.locate(rows).documents;
  const byWords = catalog.findWords(description).filter((ordinal) => hasDocument(documents, ordinal));
  for (const { index, score } of fuseRankings(ordinals, byWords)) {
    yield* await loadHits(snapshot, { rows: rows.subarray(index, index + 1), scores: [score] }, evidence);
  }
}
