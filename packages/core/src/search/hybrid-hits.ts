import type { IndexSnapshot } from '../index/index-snapshot.js';
import { fuseRankings } from './fuse-rankings.js';
import type { Hit } from './hit.js';
import { loadHits } from './load-hits.js';

/**
 * The documents of a snapshot that have a vector, ranked by their vectors and by the words of their texts (BM25), both rankings fused.
 * Both are whole, as the fusion is defined over places. What BM25 finds and no vector stands for is no hit: it has no mention to show.
 *
 * @param query the description's vector: [dimensions]
 */
export async function* hybridHits(
  snapshot: IndexSnapshot,
  description: string,
  query: Float32Array,
): AsyncGenerator<Hit, void, undefined> {
  const { catalog, vectors, alive } = snapshot;
  const { rows } = await vectors.rank(query, { documents: alive.bits });
  const { documents } = vectors.locate(rows);
  for (const { index, score } of fuseRankings(documents, catalog.findWords(description))) {
    yield* loadHits(snapshot, { rows: rows.subarray(index, index + 1), scores: [score] });
  }
}
