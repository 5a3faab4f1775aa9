import { addon, type CudaDeviceHandle } from './addon.js';

export interface CudaDeviceOptions {
  /** Which GPU, counted from 0 among those that CUDA_VISIBLE_DEVICES leaves. Default: 0. */
  readonly number?: number;
  /** Bytes of the GPU's memory that may be held here at once. Default: all that are free. */
  readonly memoryLimit?: number;
}

export interface CudaDescription {
  /** 'NVIDIA H100 80GB HBM3' */
  name: string;
  /** '9.0' */
  computeCapability: string;
  multiprocessors: number;
  memoryBytes: number;
  freeBytes: number;
  /** Held by this package now. */
  heldBytes: number;
  /** The newest CUDA that the driver knows: '13.0'. */
  driverVersion: string;
  /** The CUDA that this package was built with. */
  runtimeVersion: string;
  /** 'cuBLAS 13.1.0', or why there is none; own kernels multiply then. */
  blas: string;
}

const optionNames = new Set(['number', 'memoryLimit']);

/** The handle of a device's own object: only this package's classes may have it. */
const handles = new WeakMap<CudaDevice, CudaDeviceHandle>();

/**
 * An NVIDIA GPU, open in this thread. What is made on it (projections, indexes, trainers) keeps it alive; calls come from any of them
 * and are carried out one after the other. A driver may fail in ways that end the process: `chooseDevice` tries it in a child first.
 */
export class CudaDevice {
  #isClosed = false;

  private constructor(handle: CudaDeviceHandle) {
    handles.set(this, handle);
  }

  /**
   * Off the event loop: it may take a second.
   *
   * @throws TypeError for an unknown option, RangeError for a value that cannot be; an Error with `code` 'DEVICE_UNAVAILABLE' where
   *   there is no such GPU, no driver or no CUDA library
   */
  static async open(options: CudaDeviceOptions = {}): Promise<CudaDevice> {
    for (const name of Object.keys(options)) {
      if (!optionNames.has(name)) {
        throw new TypeError(`expected options of CudaDevice to be ${[...optionNames].join(', ')}, got '${name}'`);
      }
    }
    const { number = 0, memoryLimit = 0 } = options;
    return new CudaDevice(await addon.cudaDeviceOpen(number, memoryLimit));
  }

  /** What it is, and how its memory stands now. */
  async describe(): Promise<CudaDescription> {
    return addon.cudaDeviceDescribe(handleOf(this));
  }

  /** Lets it go. Its memory is given back when what was made on it is gone too; nothing more can be made on it. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await addon.cudaDeviceClose(handleOf(this));
  }
}

/** @throws TypeError for what is no device. */
export function handleOf(device: CudaDevice): CudaDeviceHandle {
  const handle = handles.get(device);
  if (handle === undefined) throw new TypeError('expected device to be a CudaDevice');
  return handle;
}
