export { type ChosenDevice, chooseDevice } from './choose-device.js';
export { crc32c } from './crc32c.js';
export { type CudaDescription, CudaDevice, type CudaDeviceOptions } from './cuda-device.js';
export { type CudaSupport, whyNoCuda } from './cuda-support.js';
export {
  type FaissDeviceOptions,
  type FaissDevices,
  FaissIndex,
  type FaissIndexOptions,
  type FaissSearchParameters,
  type FaissSearchResult,
} from './faiss-index.js';
export {
  HeadTrainer,
  type HeadTrainerOptions,
  type HeadTrainerState,
  type TrainingBatch,
  type TrainingLoss,
  type TrainingUpdate,
} from './head-trainer.js';
export { info, type NativeInfo } from './info.js';
export type { InstructionSet } from './instruction-set.js';
export { type PackedRows, packRows } from './pack-rows.js';
export { poolSpans } from './pool-spans.js';
export type { Pooling } from './pooling.js';
export type { Precision } from './precision.js';
export { type CudaProbe, probeCuda } from './probe-cuda.js';
export { type LinearLayer, Projection, type ProjectionOptions } from './projection.js';
export { type SegmentColumn, segmentColumns } from './segment-columns.js';
export {
  type LocatedRows,
  type SegmentBlock,
  SegmentIndex,
  type SegmentIndexOptions,
  type SegmentRanking,
  type SegmentSearchResult,
  type SegmentSelection,
} from './segment-index.js';
export { type SearchResult, VectorIndex, type VectorIndexOptions } from './vector-index.js';
