export { type EvaluateOptions, type EvaluationProgress, evaluate, type MeasuredEmbedder } from './evaluate.js';
export type { EvaluationReport, SystemName, SystemResult, TypeResult } from './evaluation-report.js';
export type { LabelledCorpus, LabelledDocument, LabelledMention, LabelledType } from './labelled-corpus.js';
export { macroMean } from './macro-mean.js';
export { measure } from './measure.js';
export { multiconer2Types } from './multiconer2-types.js';
export { rPrecision } from './r-precision.js';
export type { Ranking } from './ranking.js';
export { readMulticoner2 } from './read-multiconer2.js';
