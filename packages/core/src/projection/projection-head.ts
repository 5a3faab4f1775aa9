import type { Projection } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import type { LabelledCorpus } from '../evaluation/labelled-corpus.js';
import type { Matrix } from '../matrix.js';
import type { TrainHeadOptions } from '../training/train-head.js';
import type { TrainingReport } from '../training/train-on-taps.js';
import { foldGate, type HeadWeights } from './head-layers.js';
import { projectionOf, readHeadWeights } from './read-projection.js';
import { writeHead } from './write-head.js';

/** What a head is made of, in numbers. */
export interface HeadDescription {
  readonly inputDimensions: number;
  readonly outputDimensions: number;
  readonly layers: readonly { readonly inputDimensions: number; readonly outputDimensions: number }[];
  /** Whether every input is first multiplied by the sigmoid of a number of its own. */
  readonly gate: boolean;
  readonly parameters: number;
}

/** Linear layers with SiLU between them, then L2: what turns a model's values into vectors that can be compared. */
export class ProjectionHead {
  readonly inputDimensions: number;
  readonly outputDimensions: number;
  readonly #projection: Projection;
  readonly #weights: HeadWeights;

  private constructor(weights: HeadWeights) {
    this.#weights = weights;
    this.#projection = projectionOf(foldGate(weights));
    this.inputDimensions = this.#projection.inputDimensions;
    this.outputDimensions = this.#projection.outputDimensions;
  }

  /**
   * Reads a head: a .safetensors or .npz file, or a state dict that PyTorch saved (.pth, .pt). A pickle is read, never run.
   *
   * @throws NerRetrieverError HEAD_UNREADABLE.
   */
  static async load(path: string): Promise<ProjectionHead> {
    return new ProjectionHead(await readHeadWeights(path));
  }

  /**
   * Trains a head on a labelled corpus: the name of a type and its mentions come near each other, mentions of other types away.
   *
   *     const corpus = await readLabelledJsonLines(['labelled.jsonl']);
   *     const { head, report } = await ProjectionHead.train(corpus, { embedder: await Embedder.open() });
   *     await head.save('head.safetensors');
   *
   * @throws NerRetrieverError OPTION_UNKNOWN, OPTION_INVALID, TRAINING_DATA_TOO_SMALL, TRAINING_DIVERGED, CHECKPOINT_REFUSED,
   *   FILE_UNWRITABLE, DEVICE_UNAVAILABLE, DEVICE_FAILED; the signal's reason when it aborts.
   */
  static async train(
    corpus: LabelledCorpus,
    options: TrainHeadOptions,
  ): Promise<{ readonly head: ProjectionHead; readonly report: TrainingReport }> {
    const { trainHead } = await import('../training/train-head.js');
    const { weights, report } = await trainHead(corpus, options);
    return { head: new ProjectionHead(weights), report };
  }

  get description(): HeadDescription {
    const { gate, layers } = this.#weights;
    return {
      inputDimensions: this.inputDimensions,
      outputDimensions: this.outputDimensions,
      layers: layers.map(({ inputDimensions, outputDimensions }) => ({ inputDimensions, outputDimensions })),
      gate: gate !== null,
      parameters: layers.reduce((sum, { weight, bias }) => sum + weight.length + bias.length, gate?.length ?? 0),
    };
  }

  /**
   * Writes the head as .safetensors.
   *
   * @throws NerRetrieverError FILE_UNWRITABLE.
   */
  async save(path: string): Promise<void> {
    try {
      await writeHead(path, this.#weights.layers, this.#weights.gate);
    } catch (cause) {
      throw new NerRetrieverError('FILE_UNWRITABLE', { file: path, reason: (cause as Error).message }, { cause });
    }
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
