import type { IndexBackend } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import type { IndexFolder } from '../index/index-folder.js';
import { storageError } from '../index/storage-error.js';
import type { Matrix } from '../matrix.js';
import { type CutOff, estimateCutOff } from './cut-off/estimate-cut-off.js';
import type { Hit } from './hit.js';
import { hybridHits } from './hybrid-hits.js';
import { loadHit } from './load-hit.js';
import { LoadedVectors } from './loaded-vectors.js';
import { type RankedDocument, rankDocuments } from './rank-documents.js';

/** Answers query vectors from an index folder; sees what was committed before each call. */
export class Searcher {
  readonly #folder: IndexFolder;
  readonly #vectors: LoadedVectors;

  constructor(folder: IndexFolder, options: { backend?: IndexBackend } = {}) {
    this.#folder = folder;
    this.#vectors = new LoadedVectors(folder, options);
  }

  /** The best `limit` documents of each query, best first; equal scores: the older document first. `minScore`: of all, or of each query. */
  async search(queries: Matrix, limit: number, minScore: number | readonly number[]): Promise<Hit[][]> {
    const minScores = typeof minScore === 'number' ? Array<number>(queries.rows).fill(minScore) : minScore;
    await this.#vectors.refresh();
    for (;;) {
      const rankings = await rankDocuments(this.#vectors, queries.data, queries.columns, limit, minScores);
      const hits = this.#load(rankings.flat());
      if (!hits.includes(undefined)) return split(hits as Hit[], rankings);
      // A document was replaced between the ranking and the look-up: ask the newer state of the index.
      if (!(await this.#vectors.refresh())) throw this.#withoutDocument();
    }
  }

  /** Where the type of each query is estimated to end, by the whole ranking; one ranking at a time is in memory. */
  async cutOffs({ data, columns }: Matrix): Promise<CutOff[]> {
    await this.#vectors.refresh();
    const { rows } = this.#vectors;
    const cutOffs: CutOff[] = [];
    for (let from = 0; from < data.length; from += columns) {
      const query = data.subarray(from, from + columns);
      const [ranking = []] = await rankDocuments(this.#vectors, query, columns, rows, [Number.NEGATIVE_INFINITY]);
      cutOffs.push(estimateCutOff(Float32Array.from(ranking, ({ score }) => score)));
    }
    return cutOffs;
  }

  /** The whole ranking, best first: every document that has a vector now, exactly once, whatever is committed meanwhile. */
  async *searchAll(query: Float32Array, minScore: number): AsyncGenerator<Hit> {
    const snapshot = this.#folder.startSnapshot();
    try {
      await this.#vectors.refresh();
      if (this.#vectors.rows === 0) return;
      const nearest = await this.#vectors.nearest(query, this.#vectors.rows);
      const lastOrdinal = snapshot.lastOrdinal();
      const seen = new Uint8Array(Math.ceil((lastOrdinal + 1) / 8)); // a bit a document
      for (const [place, row] of nearest.rows.entries()) {
        const score = nearest.scores[place] as number;
        if (score < minScore) return;
        const ordinal = this.#vectors.documentOf(row);
        const bit = 1 << (ordinal & 7);
        // Documents newer than the snapshot have no bit: what is written to an array's outside is not kept.
        if ((seen[ordinal >> 3] as number) & bit) continue;
        seen[ordinal >> 3] = (seen[ordinal >> 3] as number) | bit;
        const hit = loadHit(snapshot, { ordinal, row, score });
        if (hit) yield hit;
        else if (ordinal <= lastOrdinal && !this.#vectors.isDead(ordinal)) throw this.#withoutDocument();
      }
    } catch (error) {
      throw storageError(error, this.#folder.directory);
    } finally {
      this.#folder.endSnapshot(snapshot);
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
    const { directory } = this.#folder;
    const snapshot = this.#folder.startSnapshot();
    try {
      if (!snapshot.hasWords()) throw new NerRetrieverError('INDEX_WORDS_MISSING', { directory });
      await this.#vectors.refresh();
      if (this.#vectors.rows === 0) return;
      for (const [place, description] of descriptions.entries()) {
        const query = data.subarray(place * columns, (place + 1) * columns);
        let hits = 0;
        for await (const hit of hybridHits(snapshot, this.#vectors, description, query)) {
          yield [place, hit];
          hits += 1;
          if (hits === limit) break;
        }
      }
    } catch (error) {
      throw storageError(error, directory);
    } finally {
      this.#folder.endSnapshot(snapshot);
    }
  }

  #withoutDocument(): NerRetrieverError {
    const reason = 'it holds vectors of documents that its catalog does not have';
    return new NerRetrieverError('INDEX_DAMAGED', { file: this.#folder.directory, reason });
  }

  #load(ranking: readonly RankedDocument[]): (Hit | undefined)[] {
    const { catalog } = this.#folder;
    try {
      return catalog.read(() => ranking.map((ranked) => loadHit(catalog, ranked)));
    } catch (error) {
      throw storageError(error, this.#folder.directory);
    }
  }
}

/** Cuts the hits of all rankings, one after the other, into the hits of each. */
function split(hits: readonly Hit[], rankings: readonly RankedDocument[][]): Hit[][] {
  let from = 0;
  return rankings.map(({ length }) => {
    from += length;
    return hits.slice(from - length, from);
  });
}
