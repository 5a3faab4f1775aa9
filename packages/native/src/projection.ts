import { addon, type ProjectionHandle } from './addon.js';
import { type CudaDevice, handleOf } from './cuda-device.js';
import type { Pooling } from './pooling.js';

/** A linear layer as PyTorch keeps it: `weight` `[out, in]` row-major, `bias` `[out]`. */
export interface LinearLayer {
  weight: Float32Array;
  bias: Float32Array;
}

export interface ProjectionOptions {
  /** Where it runs: a GPU multiplies in bfloat16 and sums in float32. Default: the CPU, in float32. */
  readonly device?: CudaDevice;
}

/**
 * A projection head: linear layers with SiLU between them, then each row divided by its L2 norm. Without layers it is the
 * L2 step alone. The weights are copied at once; the arrays are free afterwards.
 */
export class Projection {
  /** Columns of the rows that go in. */
  readonly inputDimensions: number;
  /** Columns of the rows that come out. */
  readonly outputDimensions: number;
  readonly #handle: ProjectionHandle;

  /** @throws RangeError if the layers' shapes do not follow from each other and from `inputDimensions` */
  constructor(layers: readonly LinearLayer[], inputDimensions: number, { device }: ProjectionOptions = {}) {
    this.#handle = addon.projectionCreate(layers, inputDimensions, device === undefined ? null : handleOf(device));
    this.inputDimensions = inputDimensions;
    this.outputDimensions = addon.projectionOutputDimensions(this.#handle);
  }

  /**
   * Projects off the event loop.
   *
   * @param rows `[n, inputDimensions]`; not to be changed or transferred before the promise settles
   * @returns `[n, outputDimensions]`. A row's result does not depend on the other rows. A row that is zero before the L2
   *   step stays zero; a row with a NaN is NaN throughout.
   * @throws RangeError if `rows` is no whole number of rows; TypeError if it is no Float32Array over ordinary memory
   */
  async project(rows: Float32Array): Promise<Float32Array> {
    return addon.projectionRun(this.#handle, rows);
  }

  /** As {@link project}, on the calling thread: for worker threads. */
  projectSync(rows: Float32Array): Float32Array {
    return addon.projectionRunSync(this.#handle, rows);
  }

  /**
   * Pools spans of token rows (see `poolSpans`) and projects the vectors, off the event loop: on a GPU the pooled vectors never leave it.
   *
   * @param rows `[tokens, inputDimensions]`, of 'first+last' `[tokens, inputDimensions / 2]`; neither array is to be changed or transferred before the promise settles
   * @param spans `[spans, 2]`
   * @returns `[spans, outputDimensions]`
   * @throws as `poolSpans`
   */
  async projectSpans(rows: Float32Array, spans: Int32Array, pooling: Pooling): Promise<Float32Array> {
    return addon.projectionRunSpans(this.#handle, rows, spans, pooling);
  }

  /** As {@link projectSpans}, on the calling thread. */
  projectSpansSync(rows: Float32Array, spans: Int32Array, pooling: Pooling): Float32Array {
    return addon.projectionRunSpansSync(this.#handle, rows, spans, pooling);
  }
}
