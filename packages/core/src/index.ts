export { type CudaProvider, cudaProvider } from './device/cuda-provider.js';
export type { DeviceChoice, DeviceOption } from './device/device-choice.js';
export {
  type DetectOptions,
  type DocumentMentions,
  Embedder,
  type EmbedderDocument,
  type EmbedderOptions,
  type EmbedMentionsOptions,
  type EmbedOptions,
  type MentionEmbeddings,
} from './embedder.js';
export { type ErrorCode, type ErrorDetails, errorCodes, NerRetrieverError } from './errors.js';
export { type AddEstimate, type EstimateOptions, type EstimateReading, estimateAdding } from './estimate-adding.js';
export type {
  AddProgress,
  AddSummary,
  Refusal,
  RefusedRecord,
  SkippedInDocument,
} from './index/adding/add-progress.js';
export type { AddRun } from './index/adding/add-run.js';
export {
  type ApproximateSummary,
  type BuildApproximateIndexOptions,
  buildApproximateIndex,
  importApproximateIndex,
  removeApproximateIndex,
} from './index/approximate/approximate-index.js';
export type { ApproximateProgress } from './index/approximate/build-approximate.js';
export { type CompactOptions, compactIndex } from './index/care/compact-index.js';
export { exportFaiss, type FaissExportOptions, type FaissExportProgress } from './index/care/export-faiss.js';
export {
  type ExportedDocuments,
  type ExportedVectors,
  type ExportOptions,
  exportDocuments,
  exportVectors,
} from './index/care/export-index.js';
export { type IndexInfo, readIndexInfo } from './index/care/index-info.js';
export type { IndexProblem } from './index/care/index-problems.js';
export type { Verification, VerifyProgress } from './index/care/index-verification.js';
export { type VerifyOptions, verifyIndex } from './index/care/verify-index.js';
export type { CompactionProgress, CompactionSummary } from './index/segments/compaction.js';
export type { Matrix } from './matrix.js';
export type { Mention, SkippedMention, SkipReason, Span } from './mentions/mention.js';
export type { DetectorOptions, MentionDetector } from './mentions/mention-detector.js';
export type { CutOffConstants } from './model/cut-off-constants.js';
export {
  type DownloadedModel,
  type DownloadModelOptions,
  type DownloadOptions,
  downloadModel,
  downloadPreparedModel,
} from './model/hub/download-model.js';
export { isHubId } from './model/hub/hub-reference.js';
export type { DownloadProgress } from './model/hub/hub-repository.js';
export type { ModelDescription } from './model/model-description.js';
export { type ModelFolder, openModelFolder } from './model/model-folder.js';
export type { ModelDtype } from './model/onnx-export.js';
export { type ResolvedModel, resolveModel } from './model/resolve-model.js';
export { type HeadDescription, ProjectionHead } from './projection/projection-head.js';
export {
  type AddOptions,
  Retriever,
  type RetrieverDevices,
  type RetrieverOptions,
  type SearchMode,
  type SearchOptions,
  type SearchResult,
} from './retriever.js';
export type { ApproximateParameters } from './search/approximate-documents.js';
export type { CutOff } from './search/cut-off/estimate-cut-off.js';
export type { EvidenceMention, Hit } from './search/hit.js';
export {
  type ApproximateMeasure,
  type MeasureApproximateOptions,
  measureApproximateIndex,
} from './search/measure-approximate.js';
export { describeTypeQuery } from './search/type-query/describe-type-query.js';
export type { ExampleMention, TypeCombination, TypePart, TypeQuery } from './search/type-query/type-query.js';
export type { Where, WhereOperators, WhereValue } from './search/where/where.js';
export type { Document, DocumentRecord, JsonValue, RawRecord, Source } from './text/document.js';
export { type OffsetUnit, parseDocument } from './text/parse-document.js';
export { type DelimitedColumns, type DelimitedOptions, readDelimited } from './text/read-delimited.js';
export { type DocumentFormat, type ReadOptions, readDocuments } from './text/read-documents.js';
export { readJsonLines } from './text/read-json-lines.js';
export { readText } from './text/read-text.js';
export type { TrainHeadOptions } from './training/train-head.js';
export type { TrainingReport } from './training/train-on-taps.js';
export type { NegativeShares, TrainingOptions, TrainingProgress } from './training/training-options.js';
