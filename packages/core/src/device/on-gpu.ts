import type { CudaDevice } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';

/**
 * Work that a GPU may fail in: out of its memory, or worse. Without one it is work as any other.
 *
 * @param what the work, as a message names it
 * @throws NerRetrieverError DEVICE_FAILED.
 */
export async function onGpu<Result>(
  gpu: CudaDevice | null,
  what: string,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  if (gpu === null) return work();
  try {
    return await work();
  } catch (cause) {
    throw new NerRetrieverError('DEVICE_FAILED', { device: 'cuda', what, reason: (cause as Error).message }, { cause });
  }
}
