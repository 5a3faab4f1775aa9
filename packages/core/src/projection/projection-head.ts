import type { Projection } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import type { Matrix } from '../matrix.js';
import { readProjection } from './read-projection.js';

/** Linear layers with SiLU between them, then L2: what turns a model's values into vectors that can be compared. */
export class ProjectionHead {
  readonly inputDimensions: number;
  readonly outputDimensions: number;
  readonly #projection: Projection;

  private constructor(projection: Projection) {
    this.#projection = projection;
    this.inputDimensions = projection.inputDimensions;
    this.outputDimensions = projection.outputDimensions;
  }

  /**
   * Reads a head: a .safetensors file, or a state dict that PyTorch saved (.pth, .pt). A pickle is read, never run.
   *
   * @throws NerRetrieverError HEAD_UNREADABLE.
   */
  static async load(path: string): Promise<ProjectionHead> {
    return new ProjectionHead(await readProjection(path));
  }

  /**
   * Projects rows off the event loop: [rows, inputDimensions] to [rows, outputDimensions], each row of length one. A zero
   * result stays zero; a row with NaN stays NaN.
   *
   * @throws NerRetrieverError DIMENSIONS_DIFFER.
   */
  async project(matrix: Matrix): Promise<Matrix> {
    if (matrix.columns !== this.inputDimensions || matrix.data.length !== matrix.rows * matrix.columns) {
      throw new NerRetrieverError('DIMENSIONS_DIFFER', {
        of: 'the rows to project',
        expected: this.inputDimensions,
        received: `${matrix.columns} (${matrix.data.length} values in ${matrix.rows} rows)`,
      });
    }
    const data = await this.#projection.project(matrix.data);
    return { rows: matrix.rows, columns: this.outputDimensions, data };
  }
}
