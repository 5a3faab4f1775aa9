import { join } from 'node:path';
import { FaissIndex, type FaissSearchParameters, type FaissSearchResult } from '@ner-retriever/native';
import { NerRetrieverError } from '../../errors.js';
import { type ApproximateRecord, checkApproximateFile, readApproximateRecord } from './approximate-record.js';
import { faissError } from './faiss-error.js';

/** The approximate index of an index folder, as far as it stands for the rows of one generation. */
export class ApproximateRows {
  readonly record: ApproximateRecord;
  readonly #index: FaissIndex;

  private constructor(record: ApproximateRecord, index: FaissIndex) {
    this.record = record;
    this.#index = index;
  }

  /** Rows 0 to `size` are in it. */
  get size(): number {
    return this.record.rows;
  }

  /** @throws NerRetrieverError INDEX_DAMAGED, BACKEND_UNAVAILABLE, FAISS_FAILED */
  static async load(directory: string, record: ApproximateRecord): Promise<ApproximateRows> {
    const file = join(directory, record.file);
    await checkApproximateFile(directory, record); // FAISS believes what it reads
    try {
      return new ApproximateRows(record, await FaissIndex.read(file));
    } catch (error) {
      throw faissError(error, file);
    }
  }

  async search(queries: Float32Array, limit: number, parameters: FaissSearchParameters): Promise<FaissSearchResult> {
    try {
      return await this.#index.search(queries, limit, parameters);
    } catch (error) {
      throw faissError(error, this.record.factory ?? this.record.file);
    }
  }
}

/** Keeps the approximate index of a folder in memory from its first use on, until there is another. */
export class LoadedApproximate {
  readonly #directory: string;
  #loaded: { file: string; rows: Promise<ApproximateRows> } | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * The approximate index; undefined where a compaction has moved the rows since it was built.
   *
   * @throws NerRetrieverError APPROXIMATE_MISSING where none was ever built
   */
  async rows(generation: number): Promise<ApproximateRows | undefined> {
    const record = readApproximateRecord(this.#directory);
    if (!record) throw new NerRetrieverError('APPROXIMATE_MISSING', { directory: this.#directory });
    if (record.generation !== generation) {
      this.#loaded = undefined;
      return undefined;
    }
    if (this.#loaded?.file !== record.file) {
      const rows = ApproximateRows.load(this.#directory, record);
      this.#loaded = { file: record.file, rows };
      // A failed reading is tried again by the next call.
      rows.catch(() => {
        this.#loaded = undefined;
      });
    }
    return this.#loaded.rows;
  }
}
