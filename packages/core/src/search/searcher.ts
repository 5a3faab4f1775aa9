import { LoadedApproximate } from '../index/approximate/approximate-rows.js';
import type { IndexFolder } from '../index/index-folder.js';
import type { IndexSnapshot } from '../index/index-snapshot.js';
import type { DocumentBits } from '../index/segments/document-set.js';
import { storageError } from '../index/storage-error.js';
import type { Matrix } from '../matrix.js';
import type { CutOffConstants } from '../model/cut-off-constants.js';
import { type ApproximateParameters, approximateDocuments } from './approximate-documents.js';
import type { CutOff } from './cut-off/estimate-cut-off.js';
import type { Hit } from './hit.js';
import { hybridHits } from './hybrid-hits.js';
import { loadHits } from './load-hits.js';
import { nearestDocuments } from './nearest-documents.js';
import { type CutRanking, rankDocuments } from './rank-documents.js';
import { rowOf } from './row-of.js';
import type { Condition } from './where/condition.js';
import { DocumentFilters } from './where/document-filters.js';

/** What is wanted of a ranking, whatever ranks. */
export interface RankingOptions {
  /** Mentions of a hit beside the best one: at most so many in all. */
  readonly evidence?: number | undefined;
  /** Only documents whose metadata fits. */
  readonly where?: Condition | undefined;
}

export interface VectorRankingOptions extends RankingOptions {
  /** Only documents that score at least this much; constants of the model: down to where the type is estimated to end by them. */
  readonly minScore?: number | CutOffConstants | undefined;
  /** Looks at a part of the rows, by the approximate index. */
  readonly approximate?: ApproximateParameters | undefined;
}

/** The answer to one query. */
export interface Found {
  readonly hits: Hit[];
  /** Where that was estimated. */
  readonly cutOff?: CutOff;
}

/** Answers query vectors from an index folder; every answer is about one state of it, the newest when it was asked. */
export class Searcher {
  readonly #folder: IndexFolder;
  readonly #approximate: LoadedApproximate;
  readonly #filters = new DocumentFilters();

  constructor(folder: IndexFolder) {
    this.#folder = folder;
    this.#approximate = new LoadedApproximate(folder.directory, folder.searchesOnGpu);
  }

  /** The best `limit` documents of each query, best first; equal scores: the older document first. */
  async search(queries: Matrix, limit: number, options: VectorRankingOptions = {}): Promise<Found[]> {
    try {
      using snapshot = await this.#folder.snapshot();
      const rankings = await this.#best(snapshot, queries, limit, options);
      const results: Found[] = [];
      for (const [query, { cutOff, ...ranked }] of rankings.entries()) {
        const hits = await loadHits(snapshot, ranked, evidenceFor(rowOf(queries, query), options));
        results.push({ hits, ...(cutOff && { cutOff }) });
      }
      return results;
    } catch (error) {
      throw storageError(error, this.#folder.directory);
    }
  }

  /** The whole ranking, best first: every document that has a vector now, exactly once, whatever is committed meanwhile. */
  async *searchAll(query: Float32Array, options: Omit<VectorRankingOptions, 'approximate'> = {}): AsyncGenerator<Hit> {
    const evidence = evidenceFor(query, options);
    try {
      using snapshot = await this.#folder.snapshot();
      const documents = await this.#selected(snapshot, options);
      const { rows, scores } = await rankDocuments(snapshot, query, documents, options.minScore);
      for (let from = 0; from < rows.length; from += hitsAtOnce) {
        const to = from + hitsAtOnce;
        yield* await loadHits(snapshot, { rows: rows.subarray(from, to), scores: scores.subarray(from, to) }, evidence);
      }
    } catch (error) {
      throw storageError(error, this.#folder.directory);
    }
  }

  /** The best `limit` documents of each description by vectors and words (see `hybridHits`), all from one state of the index. */
  async searchHybrid(
    descriptions: readonly string[],
    queries: Matrix,
    limit: number,
    options: RankingOptions = {},
  ): Promise<Hit[][]> {
    const results: Hit[][] = descriptions.map(() => []);
    for await (const [place, hit] of this.#hybridHits(descriptions, queries, limit, options)) results[place]?.push(hit);
    return results;
  }

  /** The whole ranking by vectors and words: the documents of `searchAll` in another order. */
  async *searchAllHybrid(description: string, query: Matrix, options: RankingOptions = {}): AsyncGenerator<Hit> {
    const all = Number.POSITIVE_INFINITY;
    for await (const [, hit] of this.#hybridHits([description], query, all, options)) yield hit;
  }

  /** Hits with the place of their description, one description after the other: a whole ranking at a time is in memory. */
  async *#hybridHits(
    descriptions: readonly string[],
    queries: Matrix,
    limit: number,
    options: RankingOptions,
  ): AsyncGenerator<readonly [place: number, hit: Hit]> {
    try {
      using snapshot = await this.#folder.snapshot();
      const documents = await this.#selected(snapshot, options);
      for (const [place, description] of descriptions.entries()) {
        const query = rowOf(queries, place);
        let hits = 0;
        for await (const hit of hybridHits(snapshot, { description, query, documents, evidence: options.evidence })) {
          yield [place, hit];
          hits += 1;
          if (hits === limit) break;
        }
      }
    } catch (error) {
      throw storageError(error, this.#folder.directory);
    }
  }

  /** The best documents of each query: exactly, as the approximate index finds them, or as many as the type is estimated to have. */
  async #best(
    snapshot: IndexSnapshot,
    queries: Matrix,
    limit: number,
    options: VectorRankingOptions,
  ): Promise<CutRanking[]> {
    const { approximate, minScore = Number.NEGATIVE_INFINITY } = options;
    const documents = await this.#selected(snapshot, options);
    if (typeof minScore === 'object') {
      const rankings: CutRanking[] = [];
      for (let query = 0; query < queries.rows; query += 1) {
        const ranking = await rankDocuments(snapshot, rowOf(queries, query), documents, minScore);
        // Copied: of a whole ranking a few places are kept.
        const [rows, scores] = [ranking.rows.slice(0, limit), ranking.scores.slice(0, limit)];
        rankings.push({ ...ranking, rows, scores });
      }
      return rankings;
    }
    const totals = snapshot.catalog.totals();
    const rows = approximate && (await this.#approximate.rows(totals.generation));
    // One that was built of a newer state has rows that this one does not.
    const isUsable = rows && rows.size <= totals.rows;
    const rankings = isUsable
      ? await approximateDocuments(snapshot, rows, queries, limit, documents, approximate)
      : await nearestDocuments(snapshot, queries, limit, { documents });
    return rankings.map((ranking) => {
      const enough = ranking.scores.findIndex((score) => score < minScore);
      return enough < 0 ? ranking : { rows: ranking.rows.subarray(0, enough), scores: ranking.scores };
    });
  }

  /** The documents that may be found: those that are alive, and that the filter lets through. */
  async #selected({ catalog, alive }: IndexSnapshot, { where }: RankingOptions): Promise<DocumentBits> {
    return where ? alive.intersection(await this.#filters.select(catalog, where)) : alive.bits;
  }
}

/** Hits whose documents are looked up before the first of them is handed on. */
const hitsAtOnce = 256;

function evidenceFor(query: Float32Array, { evidence }: RankingOptions) {
  return evidence === undefined ? undefined : { query, limit: evidence };
}
