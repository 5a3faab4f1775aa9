import { availableParallelism, totalmem } from 'node:os';
import type { ModelFolder } from '../model/model-folder.js';

/** How many encoder threads there are, and how many threads ONNX Runtime takes in each. */
export interface WorkerLayout {
  readonly workers: number;
  readonly threads: number;
}

/**
 * One single-threaded session a core: the fastest layout, because sessions do not wait for each other. A model whose copies would
 * fill half the memory gets one session with all the cores.
 */
export function workerLayout({ description }: ModelFolder, workers?: number): WorkerLayout {
  return layoutFor(
    Object.values(description.files).reduce((sum, file) => sum + file.bytes, 0),
    workers,
  );
}

/** The same for any model, by the bytes of its files. */
export function layoutFor(bytes: number, workers?: number): WorkerLayout {
  const cores = availableParallelism();
  if (workers !== undefined) return { workers, threads: 1 };
  return bytes * cores > totalmem() / 2 ? { workers: 1, threads: cores } : { workers: cores, threads: 1 };
}
