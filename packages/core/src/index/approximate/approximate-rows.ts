import { join } from 'node:path';
import { FaissIndex, type FaissSearchParameters, type FaissSearchResult } from '@ner-retriever/native';
import { NerRetrieverError } from '../../errors.js';
import { type ApproximateRecord, checkApproximateFile, readApproximateRecord } from './approximate-record.js';
import { faissError } from './faiss-error.js';

/** The approximate index of an index folder, as far as it stands for the rows of one generation. */
export class ApproximateRows {
  readonly record: ApproximateRecord;
  readonly #index: FaissIndex;
  readonly #onGpu: FaissIndex | undefined;

  private constructor(record: ApproximateRecord, index: FaissIndex, onGpu: FaissIndex | undefined) {
    this.record = record;
    this.#index = index;
    this.#onGpu = onGpu;
  }

  /** Rows 0 to `size` are in it. */
  get size(): number {
    return this.record.rows;
  }

  /**
   * @param useGpu also has a copy on a GPU, where FAISS knows one and the index has its place there
   * @throws NerRetrieverError INDEX_DAMAGED, BACKEND_UNAVAILABLE, FAISS_FAILED
   */
  static async load(directory: string, record: ApproximateRecord, useGpu: boolean): Promise<ApproximateRows> {
    const file = join(directory, record.file);
    await checkApproximateFile(directory, record); // FAISS believes what it reads
    try {
      const index = await FaissIndex.read(file);
      return new ApproximateRows(record, index, useGpu ? await copyToGpu(index) : undefined);
    } catch (error) {
      throw faissError(error, file);
    }
  }

  async search(queries: Float32Array, limit: number, parameters: FaissSearchParameters): Promise<FaissSearchResult> {
    try {
      // A GPU refuses what it cannot select (more than 2,048 rows a query), and may run out of memory.
      const found = await this.#onGpu?.search(queries, limit, parameters).catch(() => undefined);
      return found ?? (await this.#index.search(queries, limit, parameters));
    } catch (error) {
      throw faissError(error, this.record.factory ?? this.record.file);
    }
  }
}

/** What cannot be on a GPU is searched as ever: it is the same index. */
async function copyToGpu(index: FaissIndex): Promise<FaissIndex | undefined> {
  if (FaissIndex.devices().count === 0) return undefined;
  return index.toDevice().catch(() => undefined);
}

/** Keeps the approximate index of a folder in memory from its first use on, until there is another. */
export class LoadedApproximate {
  readonly #directory: string;
  readonly #useGpu: boolean;
  #loaded: { file: string; rows: Promise<ApproximateRows> } | undefined;

  constructor(directory: string, useGpu = false) {
    this.#directory = directory;
    this.#useGpu = useGpu;
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
      const rows = ApproximateRows.load(this.#directory, record, this.#useGpu);
      this.#loaded = { file: record.file, rows };
      // A failed reading is tried again by the next call.
      rows.catch(() => {
        this.#loaded = undefined;
      });
    }
    return this.#loaded.rows;
  }
}
