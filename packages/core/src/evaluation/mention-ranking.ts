import { VectorIndex } from '@ner-retriever/native';
import type { Matrix } from '../matrix.js';
import type { CutOffConstants } from '../model/cut-off-constants.js';
import { learnFrom, learntDocuments } from '../search/learn-from.js';
import type { SystemName } from './evaluation-report.js';
import type { Ranking, ScoredDocuments } from './ranking.js';

/**
 * Vectors of mentions, searched exactly: a document's score is its best mention. Equal scores come in the order of the corpus.
 */
export class MentionRanking implements Ranking {
  readonly system: SystemName;
  readonly cutOff: CutOffConstants | undefined;
  readonly #index: VectorIndex;
  /** The rows of the index, as they were added: [dimensions] each. */
  readonly #rows: Float32Array[] = [];
  /** The document of each row of the index. */
  readonly #owners: number[] = [];
  readonly #queries: ReadonlyMap<string, Float32Array>;

  /**
   * @param queries the vector of every type's readable name
   * @param cutOff how cosines of these vectors tell where a type ends, where that is known
   */
  constructor(
    system: SystemName,
    dimensions: number,
    queries: ReadonlyMap<string, Float32Array>,
    cutOff?: CutOffConstants,
  ) {
    this.system = system;
    this.cutOff = cutOff;
    this.#index = new VectorIndex({ dimensions });
    this.#queries = queries;
  }

  /** Adds one row a mention; rows that could not be embedded (NaN) are left out. */
  async add(matrix: Matrix, owners: readonly number[]): Promise<void> {
    const usable = owners.map((_, row) => row).filter((row) => !Number.isNaN(matrix.data[row * matrix.columns]));
    const rows = new Float32Array(usable.length * matrix.columns);
    for (const [place, row] of usable.entries()) {
      rows.set(matrix.data.subarray(row * matrix.columns, (row + 1) * matrix.columns), place * matrix.columns);
      this.#rows.push(rows.subarray(place * matrix.columns, (place + 1) * matrix.columns));
      this.#owners.push(owners[row] as number);
    }
    if (usable.length > 0) await this.#index.add(rows);
  }

  best(query: string, count: number): Promise<number[]> {
    return this.#best(this.#vectorOf(query), count);
  }

  /** As `best`, by a vector that has learnt from the best mentions of the first documents that have any. */
  async bestLike(query: string, documents: readonly number[], count: number): Promise<number[]> {
    const vector = this.#vectorOf(query);
    if (this.#index.size === 0) return [];
    const { rows } = await this.#index.search(vector, this.#index.size);
    const rowOf = new Map<number, number>();
    for (const row of [...rows].reverse()) rowOf.set(this.#owners[row] as number, row);
    const found = documents.flatMap((document) => this.#rows[rowOf.get(document) ?? Number.NaN] ?? []);
    return this.#best(learnFrom(vector, found.slice(0, learntDocuments)), count);
  }

  async #best(vector: Float32Array, count: number): Promise<number[]> {
    // A document with many mentions can fill a shallow result alone: look deeper until there are enough, or no more.
    for (let depth = 4 * count; ; depth *= 4) {
      const limit = Math.min(depth, this.#index.size);
      if (limit === 0) return [];
      const { rows } = await this.#index.search(vector, limit);
      const documents = new Set<number>();
      for (const row of rows) documents.add(this.#owners[row] as number);
      if (documents.size >= count || limit === this.#index.size) return [...documents].slice(0, count);
    }
  }

  async scored(query: string): Promise<ScoredDocuments> {
    if (this.#index.size === 0) return { documents: [], scores: new Float32Array() };
    const { rows, scores } = await this.#index.search(this.#vectorOf(query), this.#index.size);
    const best = new Map<number, number>();
    for (const [place, row] of rows.entries()) {
      const document = this.#owners[row] as number;
      if (!best.has(document)) best.set(document, scores[place] as number);
    }
    return { documents: [...best.keys()], scores: Float32Array.from(best.values()) };
  }

  #vectorOf(query: string): Float32Array {
    const vector = this.#queries.get(query);
    if (vector === undefined) throw new Error(`No vector was made for the query "${query}".`);
    return vector;
  }
}
