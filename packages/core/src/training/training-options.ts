import { checkOption, checkOptions } from '../check-options.js';
import { checkDevice, type DeviceOption } from '../device/device-choice.js';

/** How many of the examples' negatives come from where; only their proportions count. */
export interface NegativeShares {
  /** Any mention of another type. */
  readonly random?: number;
  /**
   * The positives of other examples in the batch. With the triplet loss one of them is drawn; with InfoNCE all of them are negatives
   * as soon as the share is above 0.
   */
  readonly inBatch?: number;
  /** Mentions of other types in the documents that are most like the positive's own (BM25). */
  readonly hard?: number;
}

export interface TrainingProgress {
  /** Counted from 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done in this epoch. */
  readonly step: number;
  readonly steps: number;
  /** Mean of the epoch so far. */
  readonly loss: number;
  /** On the held-out types, after the last epoch that was finished; null before, or where no type is held out. */
  readonly rPrecision: number | null;
  readonly elapsedMs: number;
}

export interface TrainingOptions {
  /** Width between the two layers. Default: 500. */
  readonly hiddenDimensions?: number;
  /** Dimensions of the projected vectors. Default: 500. */
  readonly outputDimensions?: number;
  /** Whether each input is first multiplied by the sigmoid of a learned number of its own. Default: false. */
  readonly gate?: boolean;
  /** Default: 'triplet'. */
  readonly loss?: 'triplet' | 'info-nce';
  /** Of the triplet loss: how much nearer (in cosine) the positive has to be than the negative. Default: 0.5. */
  readonly margin?: number;
  /** Of InfoNCE. Default: 0.05. */
  readonly temperature?: number;
  /** Default: 0.9 random and 0.1 hard with the triplet loss, in-batch ones with InfoNCE. */
  readonly negatives?: NegativeShares;
  /** At most so many passes over the examples. Default: 30. */
  readonly epochs?: number;
  /** Examples a step: an anchor (a type's name) and a positive (a mention of the type) each. Default: 128. */
  readonly batchSize?: number;
  /** The highest: it rises in a straight line during the warm-up and falls along a cosine to 0. Default: 0.0001. */
  readonly learningRate?: number;
  /** Share of all steps in which the learning rate rises. Default: 0.05. */
  readonly warmUp?: number;
  /** Default: 0.01. */
  readonly weightDecay?: number;
  /** Share of the hidden units that a step leaves out. Default: 0.1. */
  readonly dropout?: number;
  /** At most so many mentions of a type are its positives. Default: 100. */
  readonly mentionsPerType?: number;
  /** Share of the types that nothing is trained on, to measure each epoch by. Default: 0.1. */
  readonly heldOutTypes?: number;
  /** Training ends after so many epochs without a better R-Precision on the held-out types. Default: 5. */
  readonly patience?: number;
  /** The same seed on the same data gives the same head. Default: 0. */
  readonly seed?: number;
  /** Threads of a step. Default: one a core. */
  readonly threads?: number;
  /**
   * Where the steps are done. `cuda` is an NVIDIA GPU, or an error; `auto` (default) takes one where it works. The same seed gives the same
   * head on the same device, and another one's head differs in its last digits.
   */
  readonly device?: DeviceOption;
  /** A file that is written after every epoch. Where it is there already, training goes on from it; it is removed at the end. */
  readonly checkpoint?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/** Everything that decides which head comes out. */
export interface TrainingPlan {
  readonly hiddenDimensions: number;
  readonly outputDimensions: number;
  readonly gate: boolean;
  readonly loss: 'triplet' | 'info-nce';
  readonly margin: number;
  readonly temperature: number;
  readonly negatives: Required<NegativeShares>;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly warmUp: number;
  readonly weightDecay: number;
  readonly dropout: number;
  readonly mentionsPerType: number;
  readonly heldOutTypes: number;
  readonly patience: number;
  readonly seed: number;
}

export const trainingOptionNames = [
  'hiddenDimensions',
  'outputDimensions',
  'gate',
  'loss',
  'margin',
  'temperature',
  'negatives',
  'epochs',
  'batchSize',
  'learningRate',
  'warmUp',
  'weightDecay',
  'dropout',
  'mentionsPerType',
  'heldOutTypes',
  'patience',
  'seed',
  'threads',
  'device',
  'checkpoint',
  'signal',
  'onProgress',
] as const satisfies readonly (keyof TrainingOptions)[];

/**
 * The options with their defaults, checked.
 *
 * @throws NerRetrieverError OPTION_UNKNOWN, OPTION_INVALID.
 */
export function trainingPlan(options: TrainingOptions): TrainingPlan {
  const { loss = 'triplet', negatives, threads, device, checkpoint, signal, onProgress } = options;
  checkDevice(device);
  checkOption(loss === 'triplet' || loss === 'info-nce', 'loss', "'triplet' or 'info-nce'", loss);
  checkOptions('negatives', negatives, ['random', 'inBatch', 'hard']);
  const shares = negatives ?? (loss === 'triplet' ? { random: 0.9, hard: 0.1 } : { inBatch: 1 });
  const plan: TrainingPlan = {
    hiddenDimensions: options.hiddenDimensions ?? 500,
    outputDimensions: options.outputDimensions ?? 500,
    gate: options.gate ?? false,
    loss,
    margin: options.margin ?? 0.5,
    temperature: options.temperature ?? 0.05,
    negatives: { random: 0, inBatch: 0, hard: 0, ...shares },
    epochs: options.epochs ?? 30,
    batchSize: options.batchSize ?? 128,
    learningRate: options.learningRate ?? 1e-4,
    warmUp: options.warmUp ?? 0.05,
    weightDecay: options.weightDecay ?? 0.01,
    dropout: options.dropout ?? 0.1,
    mentionsPerType: options.mentionsPerType ?? 100,
    heldOutTypes: options.heldOutTypes ?? 0.1,
    patience: options.patience ?? 5,
    seed: options.seed ?? 0,
  };

  for (const name of ['hiddenDimensions', 'outputDimensions'] as const) whole(name, plan[name], 1, 2 ** 20);
  for (const name of ['epochs', 'mentionsPerType', 'patience'] as const) whole(name, plan[name], 1, 2 ** 31 - 1);
  // InfoNCE compares every two examples of a batch.
  whole('batchSize', plan.batchSize, 1, 2 ** 14);
  whole('seed', plan.seed, 0, Number.MAX_SAFE_INTEGER);
  if (threads !== undefined) whole('threads', threads, 1, 1024);
  checkOption(typeof plan.gate === 'boolean', 'gate', 'true or false', plan.gate);
  for (const name of ['learningRate', 'temperature'] as const) {
    checkOption(plan[name] > 0 && plan[name] < Number.POSITIVE_INFINITY, name, 'a number above 0', plan[name]);
  }
  for (const name of ['dropout', 'heldOutTypes'] as const) {
    checkOption(plan[name] >= 0 && plan[name] < 1, name, 'a share from 0 to below 1', plan[name]);
  }
  checkOption(plan.warmUp >= 0 && plan.warmUp <= 1, 'warmUp', 'a share from 0 to 1', plan.warmUp);
  checkOption(
    Number.isFinite(plan.weightDecay) && plan.weightDecay >= 0,
    'weightDecay',
    'a number of at least 0',
    plan.weightDecay,
  );
  checkOption(
    plan.margin > 0 && plan.margin <= 2,
    'margin',
    'a difference of cosines, above 0 and at most 2',
    plan.margin,
  );
  const parts = Object.values(plan.negatives);
  const usable = parts.every((share) => Number.isFinite(share) && share >= 0) && parts.some((share) => share > 0);
  checkOption(usable, 'negatives', 'shares of at least 0, one of them above', JSON.stringify(plan.negatives));
  checkOption(
    checkpoint === undefined || typeof checkpoint === 'string',
    'checkpoint',
    'the path of a file',
    checkpoint,
  );
  checkOption(signal === undefined || signal instanceof AbortSignal, 'signal', 'an AbortSignal', signal);
  checkOption(onProgress === undefined || typeof onProgress === 'function', 'onProgress', 'a function', onProgress);
  return plan;
}

function whole(name: string, value: number, least: number, most: number): void {
  const holds = Number.isSafeInteger(value) && value >= least && value <= most;
  checkOption(holds, name, `a whole number from ${least} to ${most}`, value);
}
