import { join } from 'node:path';
import { FaissIndex, VectorIndex } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import { catalogFile } from '../index/catalog.js';
import type { IndexFolder } from '../index/index-folder.js';
import { storageError } from '../index/storage-error.js';

/** `exact`: the native scan. `faiss`: FAISS's Flat index, where FAISS can be loaded. */
export type IndexBackend = 'exact' | 'faiss';

/** The best rows of each query, best first: row `q` of both is `[q * limit, (q + 1) * limit)`. */
export interface NearestRows {
  readonly limit: number;
  readonly scores: Float32Array;
  readonly rows: Uint32Array;
}

function openVectors(dimensions: number, { backend = 'exact' }: { backend?: IndexBackend }): VectorIndex | FaissIndex {
  try {
    return backend === 'faiss' ? FaissIndex.create({ factory: 'Flat', dimensions }) : new VectorIndex({ dimensions });
  } catch (cause) {
    const { code, message: reason } = cause as NodeJS.ErrnoException;
    if (code !== 'BACKEND_UNAVAILABLE') throw cause;
    throw new NerRetrieverError('BACKEND_UNAVAILABLE', { backend, reason }, { cause });
  }
}

/** The vectors of an index in memory, with the document of each row. Loaded at the first search, extended when a writer has committed. */
export class LoadedVectors {
  readonly #folder: IndexFolder;
  readonly #vectors: VectorIndex | FaissIndex;
  /** Ordinal of each row's document; longer than there are rows. */
  #documents = new Uint32Array(1024);
  /** Ordinals whose rows count no more, with the number of the event that took each out. */
  readonly #dead = new Map<number, number>();
  #lastBlock = 0;
  #lastDeath = 0;
  #seenVersion: number | undefined;
  #refreshing: Promise<boolean> = Promise.resolve(false);

  constructor(folder: IndexFolder, options: { backend?: IndexBackend }) {
    this.#folder = folder;
    this.#vectors = openVectors(folder.manifest.dimensions, options);
  }

  /** Rows in memory, dead ones included. */
  get rows(): number {
    return this.#vectors.size;
  }

  /** Reads what was committed since the last call, and says whether there was anything; cheap when not. */
  refresh(): Promise<boolean> {
    // One after the other: blocks must come in order. A failed reading is tried again by the next call.
    this.#refreshing = this.#refreshing.catch(() => false).then(() => this.#refresh());
    return this.#refreshing;
  }

  /** `queries` [n, dimensions]; `limit` is cut to the number of rows. Equal scores: the lower row first, which is the older document. */
  async nearest(queries: Float32Array, limit: number): Promise<NearestRows> {
    return await this.#vectors.search(queries, limit);
  }

  /** Ordinal of the row's document. */
  documentOf(row: number): number {
    return this.#documents[row] as number;
  }

  isDead(ordinal: number): boolean {
    return this.#dead.has(ordinal);
  }

  /** True where the document was gone when event `lastDeath` was the last one. */
  wasDead(ordinal: number, lastDeath: number): boolean {
    const death = this.#dead.get(ordinal);
    return death !== undefined && death <= lastDeath;
  }

  async #refresh(): Promise<boolean> {
    try {
      const { catalog } = this.#folder;
      const version = catalog.dataVersion();
      if (version === this.#seenVersion) return false;
      const { blocks, deaths } = catalog.read(() => ({
        blocks: catalog.blocksAfter(this.#lastBlock),
        deaths: catalog.deathsAfter(this.#lastDeath),
      }));
      const reader = this.#folder.blockReader();
      try {
        for (const block of blocks) {
          const { vectors, documents } = await reader.read(block);
          // Before the vectors: a search under way may meet the new rows at once.
          this.#place(documents, block.firstRow);
          await this.#vectors.add(vectors);
          this.#lastBlock = block.block;
        }
      } finally {
        await reader.close();
      }
      for (const { death, ordinal } of deaths) {
        this.#dead.set(ordinal, death);
        this.#lastDeath = death;
      }
      this.#seenVersion = version;
      return true;
    } catch (error) {
      throw storageError(error, this.#folder.directory);
    }
  }

  #place(documents: Uint32Array, firstRow: number): void {
    if (firstRow !== this.#vectors.size) {
      const reason = `a block begins at row ${firstRow} instead of ${this.#vectors.size}`;
      throw new NerRetrieverError('INDEX_DAMAGED', { file: join(this.#folder.directory, catalogFile), reason });
    }
    const rows = firstRow + documents.length;
    if (rows > this.#documents.length) {
      const grown = new Uint32Array(Math.max(rows, this.#documents.length * 2));
      grown.set(this.#documents.subarray(0, firstRow));
      this.#documents = grown;
    }
    this.#documents.set(documents, firstRow);
  }
}
