import { checkOption, checkOptions } from '../check-options.js';
import { NerRetrieverError } from '../errors.js';
import { LoadedApproximate } from '../index/approximate/approximate-rows.js';
import { indexRoot } from '../index/care/index-root.js';
import { IndexFolder } from '../index/index-folder.js';
import { storageError } from '../index/storage-error.js';
import { type ApproximateParameters, approximateDocuments } from './approximate-documents.js';
import type { RankedRows } from './load-hits.js';
import { nearestDocuments } from './nearest-documents.js';

export interface MeasureApproximateOptions {
  /** Mentions of the index whose vectors are asked. Default: 100. */
  readonly queries?: number;
  /** Documents a query. Default: 100. */
  readonly limit?: number;
  readonly approximate?: ApproximateParameters;
  readonly signal?: AbortSignal;
}

export interface ApproximateMeasure {
  readonly queries: number;
  readonly limit: number;
  /** Share of the documents of exact searches that the approximate ones found; scores within 1e-6 of the last count as found. */
  readonly recall: number;
  /** Milliseconds a query, one at a time: medians. */
  readonly exactMs: number;
  readonly approximateMs: number;
}

/**
 * Asks the approximate index and the exact scan for the same: vectors of mentions from all over the index.
 *
 * @throws NerRetrieverError OPTION_…, INDEX_NOT_FOUND, APPROXIMATE_MISSING where there is none or a compaction has made it useless,
 *   BACKEND_UNAVAILABLE, FAISS_FAILED, INDEX_DAMAGED
 */
export async function measureApproximateIndex(
  directory: string,
  options: MeasureApproximateOptions = {},
): Promise<ApproximateMeasure> {
  checkOptions('measureApproximateIndex', options, ['queries', 'limit', 'approximate', 'signal']);
  const { queries = 100, limit = 100, approximate: parameters = {}, signal } = options;
  checkOption(Number.isSafeInteger(queries) && queries >= 1, 'queries', 'a whole number of at least 1', queries);
  checkOption(Number.isSafeInteger(limit) && limit >= 1, 'limit', 'a whole number of at least 1', limit);
  const folder = await IndexFolder.open(indexRoot(directory));
  try {
    using snapshot = await folder.snapshot();
    const { rows: total, generation } = snapshot.catalog.totals();
    const approximate = await new LoadedApproximate(folder.directory).rows(generation);
    if (!approximate) throw new NerRetrieverError('APPROXIMATE_MISSING', { directory });
    const documents = snapshot.alive.bits;
    const times = { exact: [] as number[], approximate: [] as number[] };
    let [found, wanted] = [0, 0];
    const count = Math.min(queries, total);
    // The first round is not counted: it reads what is not in memory yet.
    for (let round = -1; round < count; round += 1) {
      signal?.throwIfAborted();
      const row = Math.floor((Math.max(round, 0) * total) / count);
      const query = { rows: 1, columns: folder.layout.dimensions, data: await snapshot.vectors.vectors(row, 1) };
      const begun = performance.now();
      const [exact] = await nearestDocuments(snapshot, query, limit, { documents });
      const between = performance.now();
      const [near] = await approximateDocuments(snapshot, approximate, query, limit, documents, parameters);
      if (round < 0) continue;
      times.exact.push(between - begun);
      times.approximate.push(performance.now() - between);
      wanted += exact?.rows.length ?? 0;
      found += countFound(exact as RankedRows, near as RankedRows);
    }
    return {
      queries: count,
      limit,
      recall: wanted === 0 ? 1 : found / wanted,
      exactMs: median(times.exact),
      approximateMs: median(times.approximate),
    };
  } catch (error) {
    throw storageError(error, folder.directory);
  } finally {
    folder.close();
  }
}

/** How many places of the exact ranking are in the other one, or might be: where scores are equal it does not matter which. */
function countFound(exact: RankedRows, near: RankedRows): number {
  const last = exact.scores.at(-1) as number;
  const rows = new Set(exact.rows);
  const same = near.rows.filter((row, place) => rows.has(row) || (near.scores[place] as number) >= last - 1e-6);
  return Math.min(same.length, exact.rows.length);
}

function median(values: readonly number[]): number {
  return [...values].sort((one, two) => one - two)[Math.floor(values.length / 2)] ?? 0;
}
