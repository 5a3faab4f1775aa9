import { availableParallelism, totalmem } from 'node:os';
import type { DeviceChoice } from '../device/device-choice.js';
import type { ModelFolder } from '../model/model-folder.js';

/** How many encoder threads there are, and how many threads ONNX Runtime takes in each. */
export interface WorkerLayout {
  readonly workers: number;
  readonly threads: number;
}

/**
 * On the CPU one single-threaded session a core: the fastest layout, because sessions do not wait for each other. A model whose copies would
 * fill half the memory gets one session with all the cores. On a GPU one session in all, because several would keep
 * the model there as often; the cores are for what has no kernel there.
 */
export function workerLayout(
  { description }: ModelFolder,
  workers?: number,
  device: DeviceChoice['device'] = 'cpu',
): WorkerLayout {
  if (device === 'cuda') return { workers: workers ?? 1, threads: workers === undefined ? availableParallelism() : 1 };
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
