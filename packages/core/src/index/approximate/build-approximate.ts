import { copyFile, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FaissIndex } from '@ner-retriever/native';
import { NerRetrieverError } from '../../errors.js';
import type { IndexSnapshot } from '../index-snapshot.js';
import type { VectorLayout } from '../segments/segment-writer.js';
import { syncDirectory } from '../write-file-durably.js';
import { type ApproximateRecord, newApproximateName, writeApproximateRecord } from './approximate-record.js';
import { faissError } from './faiss-error.js';
import { fileChecksum } from './file-checksum.js';

export interface ApproximateProgress {
  readonly phase: 'training' | 'adding' | 'writing';
  /** Rows added, of all. */
  readonly rows: number;
  readonly totalRows: number;
  readonly elapsedMs: number;
}

export interface BuildApproximateOptions {
  /** FAISS's description of an index: `HNSW32`, `IVF4096,SQ8` … */
  readonly factory: string;
  readonly signal: AbortSignal | undefined;
  readonly report: (progress: ApproximateProgress) => void;
}

/** Rows that an index is trained on at most: 512 MiB of 256 dimensions. */
const trainingRows = 524_288;
/** Rows of a sample that lie together: each read is checked and costs a little. */
const sampleRun = 64;
const rowsAtOnce = 16_384;

/** Builds an approximate index of all rows of a snapshot, in memory, and makes its file the one that searches may use. */
export async function buildApproximate(
  { directory, dimensions }: VectorLayout,
  { vectors, catalog }: IndexSnapshot,
  { factory, signal, report }: BuildApproximateOptions,
): Promise<ApproximateRecord> {
  const { rows: totalRows, generation } = catalog.totals();
  const startedAt = performance.now();
  const tell = (phase: ApproximateProgress['phase'], rows: number) => {
    signal?.throwIfAborted();
    report({ phase, rows, totalRows, elapsedMs: performance.now() - startedAt });
  };
  try {
    const index = FaissIndex.create({ factory, dimensions });
    if (!index.isTrained) {
      tell('training', 0);
      await index.train(await sample(vectors, totalRows, dimensions));
    }
    for (let row = 0; row < totalRows; row += rowsAtOnce) {
      tell('adding', row);
      await index.add(await vectors.vectors(row, Math.min(rowsAtOnce, totalRows - row)));
    }
    tell('writing', totalRows);
    return await publish(directory, { factory, generation, rows: totalRows }, (file) => index.write(file));
  } catch (error) {
    throw faissError(error, factory);
  }
}

/** Takes a FAISS file that was made elsewhere: its row i must be the index's row i. */
export async function importApproximate(
  { directory, dimensions }: VectorLayout,
  { catalog }: IndexSnapshot,
  file: string,
): Promise<ApproximateRecord> {
  const { rows, generation } = catalog.totals();
  try {
    const index = await FaissIndex.read(file);
    if (index.dimensions !== dimensions || index.size > rows) {
      const expected = `at most ${rows} vectors of ${dimensions} dimensions, one a row of the index`;
      const received = `${index.size} of ${index.dimensions}`;
      throw new NerRetrieverError('FAISS_FILE_OTHER', { file, expected, received });
    }
    return await publish(directory, { factory: null, generation, rows: index.size }, (to) => copyFile(file, to));
  } catch (error) {
    throw faissError(error, file);
  }
}

async function publish(
  directory: string,
  facts: Pick<ApproximateRecord, 'factory' | 'generation' | 'rows'>,
  write: (file: string) => Promise<void>,
): Promise<ApproximateRecord> {
  const name = newApproximateName();
  const temporary = join(directory, `${name}.new`);
  try {
    await write(temporary);
    const handle = await open(temporary, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    const record: ApproximateRecord = { ...facts, file: name, ...(await fileChecksum(temporary)) };
    await rename(temporary, join(directory, name));
    await syncDirectory(directory);
    await writeApproximateRecord(directory, record);
    return record;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Rows from all over the index, in short runs: [n, dimensions]. */
async function sample(vectors: IndexSnapshot['vectors'], rows: number, dimensions: number): Promise<Float32Array> {
  if (rows <= trainingRows) return vectors.vectors(0, rows);
  const chosen = new Float32Array(trainingRows * dimensions);
  const runs = trainingRows / sampleRun;
  for (let run = 0; run < runs; run += 1) {
    const first = Math.floor((run * (rows - sampleRun)) / (runs - 1));
    chosen.set(await vectors.vectors(first, sampleRun), run * sampleRun * dimensions);
  }
  return chosen;
}
