import { checkOption, checkOptions } from '../../check-options.js';
import { indexRoot } from '../care/index-root.js';
import { IndexFolder } from '../index-folder.js';
import type { IndexSnapshot } from '../index-snapshot.js';
import { storageError } from '../storage-error.js';
import { type ApproximateRecord, removeApproximate } from './approximate-record.js';
import { type ApproximateProgress, buildApproximate, importApproximate } from './build-approximate.js';

export interface BuildApproximateIndexOptions {
  /** FAISS's description of an index: `HNSW32`, `IVF4096,SQ8`, `IVF4096,PQ64x4fs,RFlat` … */
  readonly factory: string;
  /** Ends the run between two steps of FAISS and leaves what was there. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ApproximateProgress) => void;
}

/** An approximate index, as it lies in its index folder. */
export type ApproximateSummary = Pick<ApproximateRecord, 'factory' | 'rows' | 'bytes'>;

/**
 * Builds an approximate index of all rows that an index has now, for searches with the option `approximate`; it takes the place of the one before.
 * FAISS builds it in memory. Rows that are added later are searched exactly beside it; a compaction makes it useless. Needs no model, and
 * holds no writer up.
 *
 * @throws NerRetrieverError OPTION_…, INDEX_NOT_FOUND, BACKEND_UNAVAILABLE, FAISS_FAILED, DISK_FULL, INDEX_DAMAGED, the signal's reason
 */
export async function buildApproximateIndex(
  directory: string,
  options: BuildApproximateIndexOptions,
): Promise<ApproximateSummary> {
  checkOptions('buildApproximateIndex', options, ['factory', 'signal', 'onProgress']);
  const { factory, signal, onProgress: report = () => {} } = options;
  checkOption(typeof factory === 'string' && factory !== '', 'factory', "a description in FAISS's words", factory);
  return onSnapshot(directory, (folder, snapshot) =>
    buildApproximate(folder.layout, snapshot, { factory, signal, report }),
  );
}

/**
 * Takes a standard FAISS file as the approximate index: its vector i must be row i of the index, as `exportFaiss` has them in an index without
 * dead rows.
 *
 * @throws NerRetrieverError INDEX_NOT_FOUND, FAISS_FILE_OTHER, BACKEND_UNAVAILABLE, FAISS_FAILED, DISK_FULL, INDEX_DAMAGED
 */
export async function importApproximateIndex(directory: string, file: string): Promise<ApproximateSummary> {
  checkOption(typeof file === 'string' && file !== '', 'the FAISS file', 'a path', file);
  return onSnapshot(directory, (folder, snapshot) => importApproximate(folder.layout, snapshot, file));
}

/** Takes the approximate index away; false where there was none. */
export async function removeApproximateIndex(directory: string): Promise<boolean> {
  const folder = await IndexFolder.open(indexRoot(directory));
  try {
    return await removeApproximate(folder.directory);
  } catch (error) {
    throw storageError(error, folder.directory);
  } finally {
    folder.close();
  }
}

async function onSnapshot(
  directory: string,
  work: (folder: IndexFolder, snapshot: IndexSnapshot) => Promise<ApproximateRecord>,
): Promise<ApproximateSummary> {
  const folder = await IndexFolder.open(indexRoot(directory));
  try {
    using snapshot = await folder.snapshot();
    const { factory, rows, bytes } = await work(folder, snapshot);
    return { factory, rows, bytes };
  } catch (error) {
    throw storageError(error, folder.directory);
  } finally {
    folder.close();
  }
}
