export type { EpochResult } from './checkpoint.js';
export { type CollectOptions, collectTaps, type TapEmbedder } from './collect-taps.js';
export type { LabelledTaps, TapMention } from './labelled-taps.js';
export type { TrainHeadOptions } from './train-head.js';
export { type TrainedWeights, type TrainingReport, trainOnTaps } from './train-on-taps.js';
export type { NegativeShares, TrainingOptions, TrainingProgress } from './training-options.js';
