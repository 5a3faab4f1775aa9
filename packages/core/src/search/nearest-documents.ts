import type { IndexSnapshot } from '../index/index-snapshot.js';
import type { Matrix } from '../matrix.js';
import type { RankedRows } from './load-hits.js';

/** The best `limit` documents of each query, exactly; `selection` as the native search has it. */
export async function nearestDocuments(
  { vectors }: IndexSnapshot,
  queries: Matrix,
  limit: number,
  selection: { documents: Uint8Array; firstRow?: number },
): Promise<RankedRows[]> {
  const found = await vectors.search(queries.data, limit, selection);
  return Array.from(found.counts, (count, query) => {
    const first = query * found.limit;
    const [rows, scores] = [found.rows, found.scores].map((all) => all.subarray(first, first + count));
    return { rows, scores } as RankedRows;
  });
}
