import { addon } from './addon.js';
import { type CudaSupport, cudaSupport } from './cuda-support.js';
import type { InstructionSet } from './instruction-set.js';

export interface NativeInfo {
  /** What this machine can run, in rising order. */
  instructionSets: InstructionSet[];
  /** What is used: the best of them, or less where NER_RETRIEVER_INSTRUCTION_SET caps it. */
  instructionSet: InstructionSet;
  /** Whether the FAISS backend can be used, its version, or why not and what would help. */
  faiss: { available: boolean; version: string | null; reason: string | null };
  /** The same of OpenBLAS, which training multiplies with where it is faster than this package's own kernels. */
  openblas: { available: boolean; version: string | null; reason: string | null };
  /** Whether a GPU is worth a try, or why not: no device is opened to say so, and none is tried (see `probeCuda`). */
  cuda: CudaSupport;
}

/** What of the native code works on this machine, and why the rest does not. */
export function info(): NativeInfo {
  return { ...addon.info(), cuda: cudaSupport() };
}
