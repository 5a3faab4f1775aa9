import { NerRetrieverError } from '../errors.js';
import { type Catalog, catalogFile } from '../index/catalog.js';
import { fuseRankings } from './fuse-rankings.js';
import type { Hit } from './hit.js';
import { loadHit } from './load-hit.js';
import type { LoadedVectors } from './loaded-vectors.js';
import { type DocumentBits, hasDocument } from './where/document-filters.js';

/**
 * The documents of a snapshot that have a vector, ranked by their vectors and by the words of their texts (BM25), both rankings fused.
 * Both are whole, as the fusion is defined over places: those among the allowed documents. What BM25 finds and no vector stands for is
 * no hit: it has no mention to show.
 *
 * @param vectors refreshed since the snapshot began
 * @param query the description's vector: [dimensions]
 * @param allowed the documents that may be found; all where it is undefined
 */
export async function* hybridHits(
  snapshot: Catalog,
  vectors: LoadedVectors,
  description: string,
  query: Float32Array,
  allowed?: DocumentBits,
): AsyncGenerator<Hit, void, undefined> {
  const { documents, rows } = await wholeRanking(snapshot, vectors, query, allowed);
  const byWords = snapshot.findWords(description).filter((ordinal) => !allowed || hasDocument(allowed, ordinal));
  for (const { index, score } of fuseRankings(documents, byWords)) {
    const ordinal = documents[index] as number;
    const hit = loadHit(snapshot, { ordinal, row: rows[index] as number, score });
    if (!hit) throw withoutDocument(ordinal);
    yield hit;
  }
}

/** Ordinals of the allowed documents that the snapshot has, best first by their best rows, and these rows. */
async function wholeRanking(
  snapshot: Catalog,
  vectors: LoadedVectors,
  query: Float32Array,
  allowed: DocumentBits | undefined,
): Promise<{ documents: Uint32Array; rows: Uint32Array }> {
  const lastOrdinal = snapshot.lastOrdinal();
  const lastDeath = snapshot.lastDeath();
  const nearest = await vectors.nearest(query, everyRow);
  const documents = new Uint32Array(nearest.limit);
  const rows = new Uint32Array(nearest.limit);
  const seen = new Uint8Array(lastOrdinal + 1);
  let count = 0;
  for (const row of nearest.rows) {
    const ordinal = vectors.documentOf(row);
    // The vectors in memory may be of a newer state than the snapshot, never of an older one.
    if (ordinal > lastOrdinal || seen[ordinal] || vectors.wasDead(ordinal, lastDeath)) continue;
    if (allowed && !hasDocument(allowed, ordinal)) continue;
    seen[ordinal] = 1;
    documents[count] = ordinal;
    rows[count] = row;
    count += 1;
  }
  return { documents: documents.subarray(0, count), rows: rows.subarray(0, count) };
}

/** As many rows as an index can ever have. */
const everyRow = 2 ** 32 - 1;

function withoutDocument(ordinal: number): NerRetrieverError {
  const reason = `there are vectors of document ${ordinal}, which it does not have`;
  return new NerRetrieverError('INDEX_DAMAGED', { file: catalogFile, reason });
}
