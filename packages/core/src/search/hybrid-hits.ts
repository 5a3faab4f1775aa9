import type { IndexSnapshot } from '../index/index-snapshot.js';
import { type DocumentBits, hasDocument } from '../index/segments/document-set.js';
import { type FusedPlace, fuseRankings } from './fuse-rankings.js';
import type { Hit } from './hit.js';
import { learnFrom, learntDocuments } from './learn-from.js';
import { loadHits } from './load-hits.js';

export interface HybridQuery {
  readonly description: string;
  /** The description's vector: [dimensions]. */
  readonly query: Float32Array;
  /** The documents that may be found. */
  readonly documents: DocumentBits;
  /** Mentions of a hit beside the best one: at most so many in all. */
  readonly evidence?: number | undefined;
}

/**
 * The documents of a snapshot that have a vector, ranked by their vectors and by the words of their texts (BM25), both rankings fused;
 * then once more by a vector that has learnt from the first of them (`learnFrom`): what texts say in words is also true of mentions that
 * are like those. Where no document has a word of the description, it is a ranking by vectors.
 * Rankings are whole, as the fusion is defined over places: those among the documents that may be found. What BM25 finds and no vector
 * stands for is no hit: it has no mention to show.
 */
export async function* hybridHits(
  snapshot: IndexSnapshot,
  { description, query, documents, evidence }: HybridQuery,
): AsyncGenerator<Hit, void, undefined> {
  const { catalog, vectors } = snapshot;
  const byWords = catalog.findWords(description).filter((ordinal) => hasDocument(documents, ordinal));
  const learnt = byWords.length === 0 ? query : learnFrom(query, await firstVectors(await fused(query)));
  const { rows, places } = await fused(learnt);
  for (const { index, score } of places) {
    const ranked = { rows: rows.subarray(index, index + 1), scores: [score] };
    yield* await loadHits(snapshot, ranked, evidence === undefined ? undefined : { query: learnt, limit: evidence });
  }

  async function fused(vector: Float32Array): Promise<{ rows: Uint32Array; places: Iterable<FusedPlace> }> {
    const { rows } = await vectors.rank(vector, { documents });
    return { rows, places: fuseRankings(vectors.locate(rows).documents, byWords) };
  }

  async function firstVectors({ rows, places }: { rows: Uint32Array; places: Iterable<FusedPlace> }) {
    const first: Float32Array[] = [];
    for (const { index } of places) {
      first.push(await vectors.vectors(rows[index] as number, 1));
      if (first.length === learntDocuments) break;
    }
    return first;
  }
}
