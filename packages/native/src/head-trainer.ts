import { availableParallelism } from 'node:os';
import { addon, type TrainerHandle } from './addon.js';
import { type CudaDevice, handleOf } from './cuda-device.js';

export interface HeadTrainerOptions {
  readonly inputDimensions: number;
  readonly hiddenDimensions: number;
  readonly outputDimensions: number;
  /** Whether every input is first multiplied by the sigmoid of a number of its own. Default: false. */
  readonly gate?: boolean;
  /** Share of the hidden units that a step leaves out, from 0 to below 1. Default: 0. */
  readonly dropout?: number;
  /** Decides, with the number of the step, which units these are. Default: 0. */
  readonly seed?: number;
  /** Default: one a core. */
  readonly threads?: number;
  /**
   * What multiplies matrices. `openblas` is the system's; `own` this package's kernels, with which the number of threads changes no
   * bit. Default `auto`: OpenBLAS where it is there and its kernels keep up with the instruction set in use.
   */
  readonly matmul?: 'auto' | 'openblas' | 'own';
  /** Where it is trained; `threads` and `matmul` are the CPU's, which is the default. */
  readonly device?: CudaDevice;
}

/** What training changes, and what it goes on from. */
export interface HeadTrainerState {
  /** gate `[input]` if there is one, weight 1 `[hidden, input]`, bias 1, weight 2 `[output, hidden]`, bias 2. */
  readonly parameters: Float32Array;
  /** AdamW's, in the parameters' order; zeros at the beginning. */
  readonly firstMoments?: Float32Array;
  readonly secondMoments?: Float32Array;
  /** Steps that were made. Default: 0. */
  readonly steps?: number;
}

/** What one step learns from. */
export interface TrainingBatch {
  /** `[n, inputDimensions]` */
  readonly table: Float32Array;
  /** Rows of the table that are projected. */
  readonly rows: Int32Array;
  /** `[examples]`: places in `rows`, counted from 0. */
  readonly anchors: Int32Array;
  readonly positives: Int32Array;
  /** `[examples, negatives of one]`: places in `rows`. */
  readonly negatives: Int32Array;
  /** InfoNCE: `[examples, examples]`, not 0 where the column's positive is a negative of the row's example too. */
  readonly contrast?: Uint8Array;
}

/** Of cosines: `triplet` is max(0, margin + cos(anchor, negative) − cos(anchor, positive)), `info-nce` the cross-entropy of cosines over temperature. */
export type TrainingLoss =
  | { readonly loss: 'triplet'; readonly margin: number }
  | { readonly loss: 'info-nce'; readonly temperature: number };

export interface TrainingUpdate {
  readonly learningRate: number;
  /** Default: 0. */
  readonly weightDecay?: number;
  /** Longer gradients are shortened to it. Default 0: none is. */
  readonly maximumGradientNorm?: number;
}

/**
 * The training of a projection head (Linear, SiLU, Dropout, Linear, L2): forward, backward and AdamW, off the event loop. Calls are
 * carried out one after the other. Arrays that a call works on must not be changed or transferred before its promise settles.
 */
export class HeadTrainer {
  readonly #handle: TrainerHandle;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * The state is copied.
   *
   * @throws RangeError for sizes that cannot be; an Error with `code` 'BACKEND_UNAVAILABLE' for OpenBLAS where there is none
   */
  constructor({ device, ...options }: HeadTrainerOptions, state: HeadTrainerState) {
    const defaults = { gate: false, dropout: 0, seed: 0, threads: availableParallelism(), matmul: 'auto' } as const;
    const handle = device === undefined ? null : handleOf(device);
    this.#handle = addon.trainerCreate({ ...defaults, ...options, device: handle }, state);
  }

  /** One step of AdamW. A loss that is not finite changes nothing. */
  step(
    batch: TrainingBatch,
    loss: TrainingLoss,
    update: TrainingUpdate,
  ): Promise<{ loss: number; gradientNorm: number }> {
    return this.#inTurn(() =>
      addon.trainerStep(this.#handle, batch, loss, { weightDecay: 0, maximumGradientNorm: 0, ...update }),
    );
  }

  /** The loss of a batch and its gradients, in the parameters' order; nothing is changed. */
  gradients(batch: TrainingBatch, loss: TrainingLoss): Promise<{ loss: number; gradients: Float32Array }> {
    return this.#inTurn(() => addon.trainerGradients(this.#handle, batch, loss));
  }

  /** A copy of the state after all calls before this one. */
  state(): Promise<Required<HeadTrainerState>> {
    return this.#inTurn(() => addon.trainerState(this.#handle));
  }

  #inTurn<Result>(call: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(call);
    this.#last = result.catch(() => {});
    return result;
  }
}
