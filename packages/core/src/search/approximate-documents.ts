import type { FaissSearchParameters } from '@ner-retriever/native';
import type { ApproximateRows } from '../index/approximate/approximate-rows.js';
import type { IndexSnapshot } from '../index/index-snapshot.js';
import { type DocumentBits, hasDocument } from '../index/segments/document-set.js';
import type { Matrix } from '../matrix.js';
import type { RankedRows } from './load-hits.js';
import { nearestDocuments } from './nearest-documents.js';
import { rowOf } from './row-of.js';

/** How an approximate search trades time for recall; what is left out is as the index itself says. */
export type ApproximateParameters = FaissSearchParameters;

/**
 * The best `limit` documents of each query, as an approximate index finds them: their scores are exact, but some may be missing. Rows that came
 * after it was built are searched exactly. Where so few documents may be found that it would have to look at a large part of itself, all
 * is searched exactly.
 *
 * @param documents those that may be found
 */
export async function approximateDocuments(
  snapshot: IndexSnapshot,
  approximate: ApproximateRows,
  queries: Matrix,
  limit: number,
  documents: DocumentBits,
  parameters: ApproximateParameters,
): Promise<RankedRows[]> {
  const newer = await nearestDocuments(snapshot, queries, limit, { documents, firstRow: approximate.size });
  const results: RankedRows[] = [];
  for (const [place, some] of newer.entries()) {
    const query = { rows: 1, columns: queries.columns, data: rowOf(queries, place) };
    const rows = await findRows(snapshot, approximate, query.data, limit, documents, parameters);
    const [exact] = rows ? [] : await nearestDocuments(snapshot, query, limit, { documents });
    results.push(exact ?? (await best(snapshot, query.data, limit, [...(rows as number[]), ...some.rows])));
  }
  return results;
}

/** Rows of at least `limit` documents, or of all that the index gives; undefined where that would take too long. */
async function findRows(
  { vectors }: IndexSnapshot,
  approximate: ApproximateRows,
  query: Float32Array,
  limit: number,
  documents: DocumentBits,
  parameters: ApproximateParameters,
): Promise<number[] | undefined> {
  // Nobody knows how many rows that takes: as many as one document has mentions may stand before the second document.
  for (let depth = limit * 2 + 8; ; depth *= 4) {
    const { rows, counts } = await approximate.search(query, depth, parameters);
    const found = rows.subarray(0, counts[0]);
    const ordinals = vectors.locate(found).documents;
    const kept = [...found].filter((_, place) => hasDocument(documents, ordinals[place] as number));
    const distinct = new Set(ordinals.filter((ordinal) => hasDocument(documents, ordinal)));
    if (distinct.size >= limit || found.length < depth) return kept;
    if (depth > approximate.size / exactFrom) return undefined;
  }
}

/** An exact scan of all rows is faster than asking an approximate index for one in so many. */
const exactFrom = 16;

/** The best documents of some rows, by exact scores. */
async function best(
  { vectors }: IndexSnapshot,
  query: Float32Array,
  limit: number,
  rows: readonly number[],
): Promise<RankedRows> {
  const some = Uint32Array.from(rows).sort();
  const scores = await vectors.scores(query, some);
  const { documents } = vectors.locate(some);
  const order = Array.from(some, (_, place) => place).sort(
    (one, two) => (scores[two] as number) - (scores[one] as number) || one - two,
  );
  const seen = new Set<number>();
  const chosen = order.filter((place) => {
    const ordinal = documents[place] as number;
    return !seen.has(ordinal) && seen.add(ordinal);
  });
  const places = chosen.slice(0, limit);
  return {
    rows: Uint32Array.from(places, (place) => some[place] as number),
    scores: Float32Array.from(places, (place) => scores[place] as number),
  };
}
