import { checkOption, checkOptions } from '../check-options.js';
import { chooseDevice } from '../device/choose-device.js';
import type { EvaluationProgress } from '../evaluation/evaluation-progress.js';
import type { LabelledCorpus } from '../evaluation/labelled-corpus.js';
import { collectTaps, type TapEmbedder } from './collect-taps.js';
import { type TrainedWeights, theTraining, trainOnTaps } from './train-on-taps.js';
import { type TrainingOptions, trainingOptionNames, trainingPlan } from './training-options.js';

export interface TrainHeadOptions extends TrainingOptions {
  /** Reads the corpus at its model's tap: an `Embedder`. */
  readonly embedder: TapEmbedder;
  /** A folder that keeps the vectors of the corpus, so that the next run need not read it again. */
  readonly cache?: string;
  /** While the corpus is read, before the first epoch. */
  readonly onReading?: (progress: EvaluationProgress) => void;
}

/** Reads a labelled corpus with a model and trains a head on what its tap says. */
export async function trainHead(corpus: LabelledCorpus, options: TrainHeadOptions): Promise<TrainedWeights> {
  checkOptions('ProjectionHead.train', options, ['embedder', 'cache', 'onReading', ...trainingOptionNames]);
  const { embedder, cache, onReading, ...training } = options;
  checkOption(typeof embedder?.embedMentions === 'function', 'embedder', 'an Embedder', embedder);
  checkOption(cache === undefined || typeof cache === 'string', 'cache', 'the path of a folder', cache);
  // What is wrong with the options, or with the device, is said before the corpus is read.
  trainingPlan(training);
  await chooseDevice(training.device ?? 'auto', theTraining);
  const { signal } = training;
  const taps = await collectTaps(corpus, embedder, {
    ...(cache !== undefined && { cache }),
    ...(signal && { signal }),
    ...(onReading && { onProgress: onReading }),
  });
  return trainOnTaps(taps, training);
}
