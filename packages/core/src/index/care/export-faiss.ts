import { FaissIndex } from '@ner-retriever/native';
import { checkOption, checkOptions } from '../../check-options.js';
import { faissError } from '../approximate/faiss-error.js';
import { exportVectors } from './export-index.js';
import { readIndexInfo } from './index-info.js';

export interface FaissExportOptions {
  /** FAISS's own description of an index: `Flat` (default), `HNSW32`, `IVF4096,SQ8`, … */
  readonly factory?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FaissExportProgress) => void;
}

export interface FaissExportProgress {
  /** Rows that FAISS has got, of all. */
  readonly rows: number;
  readonly totalRows: number;
  readonly elapsedMs: number;
}

/**
 * Writes the vectors of an index as a standard FAISS file, which any FAISS opens: inner products, rows numbered from 0 in the order of
 * `exportVectors`. FAISS builds its index in memory.
 *
 * @throws NerRetrieverError BACKEND_UNAVAILABLE where FAISS is not installed, FAISS_FAILED with FAISS's words, and those of `exportVectors`
 */
export async function exportFaiss(
  directory: string,
  file: string,
  options: FaissExportOptions = {},
): Promise<{ rows: number; elapsedMs: number }> {
  checkOptions('exportFaiss', options, ['factory', 'signal', 'onProgress']);
  const { factory = 'Flat', signal, onProgress } = options;
  checkOption(typeof factory === 'string' && factory !== '', 'factory', "a description in FAISS's words", factory);
  const startedAt = performance.now();
  const reading = signal ? { signal } : {};
  const { dimensions } = await readIndexInfo(directory);
  try {
    const faiss = FaissIndex.create({ factory, dimensions });
    if (!faiss.isTrained) await faiss.train(await sample(directory, dimensions, reading));
    for await (const { vectors, totalRows } of exportVectors(directory, reading)) {
      await faiss.add(vectors.data);
      onProgress?.({ rows: faiss.size, totalRows, elapsedMs: performance.now() - startedAt });
    }
    await faiss.write(file);
    return { rows: faiss.size, elapsedMs: performance.now() - startedAt };
  } catch (error) {
    throw faissError(error, factory);
  }
}

/** Enough for the 256 rows a list that FAISS looks at, of 1024 lists, or 64 of 4096. */
const sampleRows = 262_144;

/** Rows spread evenly over the index. */
async function sample(directory: string, dimensions: number, options: { signal?: AbortSignal }): Promise<Float32Array> {
  let rows = new Float32Array();
  let read = 0;
  let taken = 0;
  for await (const { vectors, totalRows } of exportVectors(directory, options)) {
    const size = Math.min(sampleRows, totalRows);
    if (rows.length === 0) rows = new Float32Array(size * dimensions);
    for (let row = 0; row < vectors.rows; row += 1, read += 1) {
      if (Math.floor(((read + 1) * size) / totalRows) === taken) continue;
      rows.set(vectors.data.subarray(row * dimensions, (row + 1) * dimensions), taken * dimensions);
      taken += 1;
    }
  }
  return rows;
}
