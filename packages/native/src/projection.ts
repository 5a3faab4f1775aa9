import { addon, type ProjectionHandle } from './addon.js';

/** A linear layer as PyTorch keeps it: `weight` `[out, in]` row-major, `bias` `[out]`. */
export interface LinearLayer {
  weight: Float32Array;
  bias: Float32Array;
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
  constructor(layers: readonly LinearLayer[], inputDimensions: number) {
    this.#handle = addon.projectionCreate(layers, inputDimensions);
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
}
