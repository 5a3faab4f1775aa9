import type { CudaDescription } from './cuda-device.js';
import type {
  HeadTrainerOptions,
  HeadTrainerState,
  TrainingBatch,
  TrainingLoss,
  TrainingUpdate,
} from './head-trainer.js';
import type { InstructionSet } from './instruction-set.js';
import { loadAddon } from './load-addon.js';
import type { PackedRows } from './pack-rows.js';
import { packagedCuda } from './packaged-cuda.js';
import type { Pooling } from './pooling.js';
import type { Precision } from './precision.js';
import type { SegmentColumn } from './segment-columns.js';
import type { LocatedRows, SegmentBlock, SegmentRanking, SegmentSearchResult } from './segment-index.js';

/** A native object. It can be handed back to the addon and nothing else; one of another type is refused. */
declare const handle: unique symbol;
export interface CudaDeviceHandle {
  readonly [handle]: 'CudaDevice';
}
export interface ProjectionHandle {
  readonly [handle]: 'Projection';
}
export interface IndexHandle {
  readonly [handle]: 'VectorIndex';
}
export interface SegmentIndexHandle {
  readonly [handle]: 'SegmentIndex';
}
export interface FaissHandle {
  readonly [handle]: 'FaissIndex';
}
export interface TrainerHandle {
  readonly [handle]: 'HeadTrainer';
}

/**
 * The native surface, one entry an exported function of addon/*.cpp. Nothing else in this package touches the binary;
 * `addon.test.ts` holds the two against each other. Every function checks its arguments itself.
 */
export interface Addon {
  info(): {
    instructionSets: InstructionSet[];
    instructionSet: InstructionSet;
    faiss: { available: boolean; version: string | null; reason: string | null };
    openblas: { available: boolean; version: string | null; reason: string | null };
  };
  crc32c(bytes: Uint8Array, seed: number): number;
  poolSpans(
    rows: Float32Array,
    dimensions: number,
    spans: Int32Array,
    pooling: Pooling,
    device: CudaDeviceHandle | null,
  ): Float32Array;

  usePackagedCuda(path: string): void;
  cudaLibrary(): { path: string; reason: string | null };
  cudaProbe(): { devices: number; device: CudaDescription };
  cudaDeviceOpen(number: number, memoryLimit: number): Promise<CudaDeviceHandle>;
  cudaDeviceDescribe(device: CudaDeviceHandle): Promise<CudaDescription>;
  cudaDeviceClose(device: CudaDeviceHandle): Promise<void>;

  projectionCreate(
    layers: readonly { readonly weight: Float32Array; readonly bias: Float32Array }[],
    inputDimensions: number,
    device: CudaDeviceHandle | null,
  ): ProjectionHandle;
  projectionOutputDimensions(projection: ProjectionHandle): number;
  projectionRun(projection: ProjectionHandle, rows: Float32Array): Promise<Float32Array>;
  projectionRunSync(projection: ProjectionHandle, rows: Float32Array): Float32Array;
  projectionRunSpans(
    projection: ProjectionHandle,
    rows: Float32Array,
    spans: Int32Array,
    pooling: Pooling,
  ): Promise<Float32Array>;
  projectionRunSpansSync(
    projection: ProjectionHandle,
    rows: Float32Array,
    spans: Int32Array,
    pooling: Pooling,
  ): Float32Array;

  indexCreate(dimensions: number, threads: number): IndexHandle;
  indexSize(index: IndexHandle): number;
  indexAdd(index: IndexHandle, rows: Float32Array): Promise<void>;
  indexSearch(
    index: IndexHandle,
    queries: Float32Array,
    limit: number,
  ): Promise<{ scores: Float32Array; rows: Uint32Array; limit: number }>;

  segmentColumns(precision: Precision, dimensions: number): SegmentColumn[];
  packRows(
    precision: Precision,
    dimensions: number,
    vectors: Float32Array,
    documents: Uint32Array,
  ): Promise<PackedRows>;
  segmentIndexCreate(
    dimensions: number,
    precision: Precision,
    threads: number,
    device: CudaDeviceHandle | null,
  ): SegmentIndexHandle;
  segmentIndexDeviceFault(index: SegmentIndexHandle): string | null;
  segmentIndexMap(index: SegmentIndexHandle, files: readonly string[], blocks: readonly SegmentBlock[]): Promise<void>;
  segmentIndexRows(index: SegmentIndexHandle): number;
  segmentIndexBytes(index: SegmentIndexHandle): number;
  segmentIndexSearch(
    index: SegmentIndexHandle,
    queries: Float32Array,
    limit: number,
    documents: Uint8Array | null,
    firstRow: number,
  ): Promise<SegmentSearchResult>;
  segmentIndexRank(
    index: SegmentIndexHandle,
    query: Float32Array,
    documents: Uint8Array | null,
    minScore: number | null,
  ): Promise<SegmentRanking>;
  segmentIndexLocate(index: SegmentIndexHandle, rows: Uint32Array): LocatedRows;
  segmentIndexScores(index: SegmentIndexHandle, queries: Float32Array, rows: Uint32Array): Promise<Float32Array>;
  segmentIndexVectors(index: SegmentIndexHandle, firstRow: number, count: number): Promise<Float32Array>;
  segmentIndexClose(index: SegmentIndexHandle): Promise<void>;

  faissCreate(factory: string, dimensions: number, threads: number): FaissHandle;
  faissRead(file: string, threads: number): Promise<FaissHandle>;
  faissWrite(index: FaissHandle, file: string): Promise<void>;
  faissInfo(index: FaissHandle): { dimensions: number; size: number; isTrained: boolean };
  faissTrain(index: FaissHandle, sample: Float32Array): Promise<void>;
  faissAdd(index: FaissHandle, rows: Float32Array): Promise<void>;
  faissSearch(
    index: FaissHandle,
    queries: Float32Array,
    limit: number,
    nprobe?: number,
    efSearch?: number,
    refineFactor?: number,
  ): Promise<{ limit: number; scores: Float32Array; rows: Uint32Array; counts: Uint32Array }>;
  faissDevices(): { count: number; reason: string | null };
  faissToDevice(
    index: FaissHandle,
    devices: Int32Array,
    temporaryMemory: number,
    float16: boolean,
  ): Promise<FaissHandle>;
  faissToHost(index: FaissHandle): Promise<FaissHandle>;

  trainerCreate(
    options: Required<Omit<HeadTrainerOptions, 'device'>> & { readonly device: CudaDeviceHandle | null },
    state: HeadTrainerState,
  ): TrainerHandle;
  trainerGradients(
    trainer: TrainerHandle,
    batch: TrainingBatch,
    loss: TrainingLoss,
  ): Promise<{ loss: number; gradients: Float32Array }>;
  trainerStep(
    trainer: TrainerHandle,
    batch: TrainingBatch,
    loss: TrainingLoss,
    update: Required<TrainingUpdate>,
  ): Promise<{ loss: number; gradientNorm: number }>;
  trainerState(trainer: TrainerHandle): Promise<Required<HeadTrainerState>>;
}

export const addon: Addon = loadAddon() as Addon;

const packaged = packagedCuda();
if (packaged !== null) addon.usePackagedCuda(packaged);
