import process from 'node:process';
import { addon } from './addon.js';
import { nvidiaDriver } from './nvidia-driver.js';

/** What can be said of CUDA here without touching a GPU. */
export interface CudaSupport {
  /** Whether a GPU is worth a try (`probeCuda`): a driver is there, and the CUDA library loads. */
  available: boolean;
  /** Why it is not. */
  reason: string | null;
  /** The version of the NVIDIA driver ('unknown' where it is not said), null where there is none. */
  driver: string | null;
  /** The file of the CUDA library: beside the addon, or what NER_RETRIEVER_CUDA_LIBRARY names. */
  library: string;
  /** Why that file does not load, null where it does. */
  libraryFault: string | null;
}

/** Loads the CUDA library, which needs no driver; opens no device. */
export function cudaSupport(): CudaSupport {
  const reason = whyNoCuda();
  const { path: library, reason: libraryFault } = addon.cudaLibrary();
  return { available: reason === null, reason, driver: nvidiaDriver(), library, libraryFault };
}

/** Why no GPU is worth a try; null where one is. The look that costs nothing comes first. */
export function whyNoCuda(): string | null {
  // A library that somebody named may bring a device of its own, as the emulated one of the tests does.
  const isNamed = Boolean(process.env.NER_RETRIEVER_CUDA_LIBRARY);
  if (nvidiaDriver() === null && !isNamed) return 'no NVIDIA driver is loaded (/proc/driver/nvidia is not there)';
  return addon.cudaLibrary().reason;
}
