import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = fileURLToPath(
  new URL('../../native/build-release/cuda/emulation/ner_retriever_cuda_emulated.so', import.meta.url),
);

/**
 * The CUDA library that needs no GPU: the same sources on an emulation of CUDA, built with the tests of native/ (`npm test` does that before
 * these run). Or the one that NER_RETRIEVER_CUDA_LIBRARY names already; null where there is none.
 *
 * @type {string | null}
 */
export const emulatedCuda = process.env.NER_RETRIEVER_CUDA_LIBRARY || (existsSync(built) ? built : null);

/** Makes it the CUDA library of this process and of its children, for one test file; false, with the reason printed, where there is none. */
export function useEmulatedCuda() {
  if (emulatedCuda === null) {
    console.warn(`CUDA: not tested here, ${built} is not built (cmake --preset release -S native, and build it)`);
    return false;
  }
  process.env.NER_RETRIEVER_CUDA_LIBRARY = emulatedCuda;
  return true;
}
