import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { HeadTrainer, Projection, type TrainingLoss } from '@ner-retriever/native';
import { checkOptions } from '../check-options.js';
import type { DeviceChoice } from '../device/device-choice.js';
import { onGpu } from '../device/on-gpu.js';
import { openDevice } from '../device/open-device.js';
import { NerRetrieverError } from '../errors.js';
import { foldGate, type HeadWeights } from '../projection/head-layers.js';
import { projectionOf } from '../projection/read-projection.js';
import { type Checkpoint, type EpochResult, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { drawBatches } from './draw-batches.js';
import { HardNegatives } from './hard-negatives.js';
import { initialParameters, weightsOf } from './head-parameters.js';
import { HeldOutMeasure } from './held-out-measure.js';
import { type LabelledTaps, tapsDigest } from './labelled-taps.js';
import { learningRate } from './learning-rate.js';
import { type TrainingOptions, type TrainingPlan, trainingOptionNames, trainingPlan } from './training-options.js';
import { trainingSet } from './training-set.js';

/** As messages name it. */
export const theTraining = 'the training';

/** Longer gradients are shortened to it: a batch of hard negatives alone must not throw the weights away. */
const maximumGradientNorm = 1;

/** What a training run did. */
export interface TrainingReport {
  /** Types that were trained on, and examples (a type and one of its mentions) of an epoch. */
  readonly trainedTypes: number;
  readonly examples: number;
  /** Names of the types that only measured. */
  readonly heldOutTypes: readonly string[];
  readonly epochs: readonly EpochResult[];
  /** The epoch whose weights the head has: the best on the held-out types, or the last where there are none. */
  readonly bestEpoch: number;
  /** Macro R-Precision on the held-out types: of the head, and of the same vectors without one. Null where no type is held out. */
  readonly rPrecision: { readonly head: number; readonly withoutHead: number } | null;
  readonly parameters: number;
  /** Where the steps were done, and why there. */
  readonly device: DeviceChoice;
  /** Of this call: what came before a checkpoint is not in it. */
  readonly elapsedMs: number;
}

export interface TrainedWeights {
  readonly weights: HeadWeights;
  readonly report: TrainingReport;
}

/**
 * Trains a projection head on vectors that are known already.
 *
 * @throws NerRetrieverError OPTION_UNKNOWN, OPTION_INVALID, TRAINING_DATA_TOO_SMALL, TRAINING_DIVERGED, CHECKPOINT_REFUSED,
 *   FILE_UNWRITABLE, DEVICE_UNAVAILABLE, DEVICE_FAILED; the signal's reason when it aborts, after which the checkpoint has the last whole epoch.
 */
export async function trainOnTaps(taps: LabelledTaps, options: TrainingOptions = {}): Promise<TrainedWeights> {
  const started = performance.now();
  checkOptions('training', options, trainingOptionNames);
  const plan = trainingPlan(options);
  const { checkpoint: file, signal, onProgress, threads, device = 'auto' } = options;
  const set = trainingSet(taps, plan);
  const shape = { ...plan, inputDimensions: taps.vectors.columns };
  const run = createHash('sha256')
    .update(`${JSON.stringify(plan)}\n${tapsDigest(taps)}`)
    .digest('hex');
  const held = set.heldOutTypes.length === 0 ? null : new HeldOutMeasure(taps, set, plan.seed);
  const loss: TrainingLoss =
    plan.loss === 'triplet'
      ? { loss: 'triplet', margin: plan.margin }
      : { loss: 'info-nce', temperature: plan.temperature };

  let at: Omit<Checkpoint, 'run' | 'best'> & { readonly best: Float32Array | null };
  at = (file === undefined ? null : await readCheckpoint(file, run)) ?? beginning(initialParameters(shape, plan.seed));
  const stepsOfEpoch = Math.ceil(set.examples.length / plan.batchSize);
  const { choice, gpu } = await openDevice(device, theTraining);
  const hard = new HardNegatives(taps, set.mentions);
  try {
    const options = { ...shape, ...(threads && { threads }), ...(gpu && { device: gpu }) };
    const trainer = await onGpu(gpu, theTraining, () => new HeadTrainer(options, at));
    while (!isFinished(at.history, plan)) {
      const epoch = at.history.length + 1;
      const rPrecision = at.history.at(-1)?.rPrecision ?? null;
      let sum = 0;
      let examples = 0;
      let step = 0;
      for (const batch of drawBatches(taps, set, plan, hard, epoch)) {
        signal?.throwIfAborted();
        const rate = learningRate(at.steps + step, plan.epochs * stepsOfEpoch, plan.learningRate, plan.warmUp);
        const update = { learningRate: rate, weightDecay: plan.weightDecay, maximumGradientNorm };
        const { loss: value } = await onGpu(gpu, theTraining, () => trainer.step(batch, loss, update));
        if (!Number.isFinite(value))
          throw new NerRetrieverError('TRAINING_DIVERGED', { epoch, learningRate: plan.learningRate });
        sum += value * batch.anchors.length;
        examples += batch.anchors.length;
        step += 1;
        const elapsedMs = performance.now() - started;
        onProgress?.({
          epoch,
          epochs: plan.epochs,
          step,
          steps: stepsOfEpoch,
          loss: sum / examples,
          rPrecision,
          elapsedMs,
        });
      }

      const state = await onGpu(gpu, theTraining, () => trainer.state());
      const measured =
        held === null ? null : await held.rPrecision(projectionOf(foldGate(weightsOf(state.parameters, shape))));
      const history = [...at.history, { epoch, loss: sum / examples, rPrecision: measured }];
      const best = bestEpoch(history) === epoch || at.best === null ? state.parameters : at.best;
      at = { ...state, history, best };
      if (file !== undefined) await writeCheckpoint(file, { ...at, run, best });
    }
  } finally {
    hard.close();
    await gpu?.close();
  }

  const chosen = bestEpoch(at.history);
  const rPrecision = held && {
    head: at.history[chosen - 1]?.rPrecision as number,
    withoutHead: await held.rPrecision(new Projection([], taps.vectors.columns)),
  };
  if (file !== undefined) await rm(file, { force: true });
  return {
    weights: weightsOf(at.best as Float32Array, shape),
    report: {
      trainedTypes: set.trainedTypes.length,
      examples: set.examples.length,
      heldOutTypes: set.heldOutTypes.map((type) => taps.types[type]?.query as string),
      epochs: at.history,
      bestEpoch: chosen,
      rPrecision,
      parameters: at.parameters.length,
      device: choice,
      elapsedMs: performance.now() - started,
    },
  };
}

function beginning(parameters: Float32Array) {
  const zeros = () => new Float32Array(parameters.length);
  return { parameters, firstMoments: zeros(), secondMoments: zeros(), steps: 0, history: [], best: null };
}

/** The first of the best on the held-out types; the last epoch where there are none. */
function bestEpoch(history: readonly EpochResult[]): number {
  if (history.every(({ rPrecision }) => rPrecision === null)) return history.length;
  const best = history.reduce((a, b) => ((b.rPrecision ?? 0) > (a.rPrecision ?? 0) ? b : a));
  return best.epoch;
}

function isFinished(history: readonly EpochResult[], { epochs, patience, heldOutTypes }: TrainingPlan): boolean {
  if (history.length >= epochs) return true;
  return heldOutTypes > 0 && history.length > 0 && history.length - bestEpoch(history) >= patience;
}
