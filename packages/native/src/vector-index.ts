import { availableParallelism } from 'node:os';
import { addon, type IndexHandle } from './addon.js';

export interface VectorIndexOptions {
  /** Columns of every row and query. */
  dimensions: number;
  /** How many threads one search may use. Default: one a core. */
  threads?: number;
}

export interface SearchResult {
  /** `[queries, limit]`: inner products, best first. */
  scores: Float32Array;
  /** `[queries, limit]`: the numbers of the rows that have them, counted from 0 in the order of adding. */
  rows: Uint32Array;
  /** Results a query: what was asked, or the size of the index where that is less. */
  limit: number;
}

const optionNames = new Set(['dimensions', 'threads']);

/** Float32 rows in memory that are searched by inner product, every row at every search. */
export class VectorIndex {
  readonly #handle: IndexHandle;
  #lastAdd: Promise<void> = Promise.resolve();

  /**
   * @throws TypeError for an unknown option; RangeError for sizes that cannot be
   */
  constructor(options: VectorIndexOptions) {
    for (const name of Object.keys(options)) {
      if (!optionNames.has(name)) {
        throw new TypeError(`expected options of VectorIndex to be ${[...optionNames].join(', ')}, got '${name}'`);
      }
    }
    this.#handle = addon.indexCreate(options.dimensions, options.threads ?? availableParallelism());
  }

  /** Rows of all finished calls of {@link add}. */
  get size(): number {
    return addon.indexSize(this.#handle);
  }

  /**
   * Copies rows into the index, off the event loop. Calls are carried out one after the other in the order they were
   * made; a search sees a finished one whole and nothing of one under way.
   *
   * @param rows `[n, dimensions]`; not to be changed or transferred before the promise settles
   * @throws RangeError if it is no whole number of rows; TypeError if it is no Float32Array over ordinary memory
   */
  async add(rows: Float32Array): Promise<void> {
    const added = this.#lastAdd.then(() => addon.indexAdd(this.#handle, rows));
    this.#lastAdd = added.catch(() => {});
    return added;
  }

  /**
   * The rows with the highest inner products for each query, off the event loop. Equal scores go by lower row; NaN
   * scores come last. With a limit of {@link size} it is the whole ranking.
   *
   * @param queries `[n, dimensions]`; not to be changed or transferred before the promise settles
   * @param limit results a query, at least 1; more than {@link size} gives all
   * @throws RangeError if sizes are wrong; TypeError if `queries` is no Float32Array over ordinary memory
   */
  async search(queries: Float32Array, limit: number): Promise<SearchResult> {
    return addon.indexSearch(this.#handle, queries, limit);
  }
}
