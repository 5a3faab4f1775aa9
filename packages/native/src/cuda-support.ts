import { addon } from './addon.js';
import { nvidiaDriver } from './nvidia-driver.js';

/** What can be said of CUDA here without touching a GPU. */
export interface CudaSupport {
  /** Whether a GPU is worth a try (`probeCuda`): the CUDA library loads, and a driver is there. */
  available: boolean;
  /** Why it is not. */
  reason: string | null;
  /** The file of the CUDA library: beside the addon, or what NER_RETRIEVER_CUDA_LIBRARY names. */
  library: string;
  /** Whether that file loads and is of this version, and why not. */
  loads: boolean;
  loadFault: string | null;
  /** The version of the NVIDIA driver ('unknown' where it is not said), null where there is none. */
  driver: string | null;
}

/** Loads the CUDA library, which needs no driver; opens no device. */
export function cudaSupport(): CudaSupport {
  const driver = nvidiaDriver();
  const { path: library, available: loads, reason: loadFault, named } = addon.cudaLibrary();
  // A library that somebody named may bring a device of its own, as the emulated one of the tests does.
  const isDriven = driver !== null || named;
  const reason = isDriven ? loadFault : 'no NVIDIA driver is loaded (/proc/driver/nvidia is not there)';
  return { available: loads && isDriven, reason: loads && isDriven ? null : reason, library, loads, loadFault, driver };
}
