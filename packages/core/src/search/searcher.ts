import type { IndexFolder } from '../index/index-folder.js';
import { storageError } from '../index/storage-error.js';
import type { Matrix } from '../matrix.js';
import type { Hit } from './hit.js';
import { hybridHits } from './hybrid-hits.js';
import { loadHits } from './load-hits.js';

/** Answers query vectors from an index folder; every answer is about one state of it, the newest when it was asked. */
export class Searcher {
  readonly #folder: IndexFolder;

  constructor(folder: IndexFolder) {
    this.#folder = folder;
  }

  /** The best `limit` documents of each query, best first; equal scores: the older document first. */
  async search(queries: Matrix, limit: number, minScore: number): Promise<Hit[][]> {
    try {
      using snapshot = await this.#folder.snapshot();
      const found = await snapshot.vectors.search(queries.data, limit, { documents: snapshot.alive.bits });
      return Array.from(found.counts, (count, query) => {
        const first = query * found.limit;
        const scores = found.scores.subarray(first, first + count);
        const enough = scores.findIndex((score) => score < minScore);
        const end = enough < 0 ? count : enough;
        return [...loadHits(snapshot, { rows: found.rows.subarray(first, first + end), scores })];
      });
    } catch (error) {
      throw storageError(error, this.#folder.directory);
    }
  }

  /** The whole ranking, best first: every document that has a vector now, exactly once, whatever is committed meanwhile. */
  async *searchAll(query: Float32Array, minScore: number): AsyncGenerator<Hit> {
    try {
      using snapshot = await this.#folder.snapshot();
      const { rows, scores } = await snapshot.vectors.rank(query, { documents: snapshot.alive.bits, minScore });
      for (let from = 0; from < rows.length; from += hitsAtOnce) {
        const to = from + hitsAtOnce;
        yield* loadHits(snapshot, { rows: rows.subarray(from, to), scores: scores.subarray(from, to) });
      }
    } catch (error) {
      throw storageError(error, this.#folder.directory);
    }
  }

  /** The best `limit` documents of each description by vectors and words (see `hybridHits`), all from one state of the index. */
  async searchHybrid(descriptions: readonly string[], queries: Matrix, limit: number): Promise<Hit[][]> {
    const results: Hit[][] = descriptions.map(() => []);
    for await (const [place, hit] of this.#hybridHits(descriptions, queries, limit)) results[place]?.push(hit);
    return results;
  }

  /** The whole ranking by vectors and words: the documents of `searchAll` in another order. */
  async *searchAllHybrid(description: string, query: Matrix): AsyncGenerator<Hit> {
    for await (const [, hit] of this.#hybridHits([description], query, Number.POSITIVE_INFINITY)) yield hit;
  }

  /** Hits with the place of their description, one description after the other: a whole ranking at a time is in memory. */
  async *#hybridHits(
    descriptions: readonly string[],
    { data, columns }: Matrix,
    limit: number,
  ): AsyncGenerator<readonly [place: number, hit: Hit]> {
    try {
      using snapshot = await this.#folder.snapshot();
      for (const [place, description] of descriptions.entries()) {
        const query = data.subarray(place * columns, (place + 1) * columns);
        let hits = 0;
        for await (const hit of hybridHits(snapshot, description, query)) {
          yield [place, hit];
          hits += 1;
          if (hits === limit) break;
        }
      }
    } catch (error) {
      throw storageError(error, this.#folder.directory);
    }
  }
}

/** Hits whose documents are looked up before the first of them is handed on. */
const hitsAtOnce = 256;
