import type { Precision } from '@ner-retriever/native';
import { readApproximateRecord } from '../approximate/approximate-record.js';
import { IndexFolder } from '../index-folder.js';
import { segmentFiles } from '../segments/segment-files.js';
import { indexRoot } from './index-root.js';

/** What an index holds. */
export interface IndexInfo {
  /** Absolute path of the index folder. */
  readonly directory: string;
  readonly formatVersion: number;
  readonly documents: number;
  /** Mentions that have a vector. */
  readonly mentions: number;
  /** Columns of a vector. */
  readonly dimensions: number;
  /** How the vectors are kept. */
  readonly precision: Precision;
  /** Segments that hold vectors. */
  readonly segments: number;
  /** Rows of deleted and replaced documents: they take room and time until the index is compacted. */
  readonly deadRows: number;
  /** All files of the index. */
  readonly bytes: number;
  /** Of `bytes`: the segments. */
  readonly vectorBytes: number;
  /** Of `bytes`: documents, mentions and full text. */
  readonly catalogBytes: number;
  /** What compacting would give back at least. */
  readonly reclaimableBytes: number;
  /** The approximate index, if one was built; it is of use for the `rows` first rows until a compaction moves them. */
  readonly approximate: {
    /** In FAISS's words; null: it was made elsewhere. */
    readonly factory: string | null;
    readonly rows: number;
    readonly bytes: number;
    /** False where a compaction has moved the rows since: searches look at every row instead. */
    readonly isCurrent: boolean;
  } | null;
  readonly model: {
    readonly name: string;
    readonly version: string;
    readonly fingerprint: string;
    /** Where it is expected, or was opened from; null: the bundled model, wherever this package is installed. */
    readonly directory: string | null;
  };
}

/**
 * What an index holds now. Needs no model: it may be gone.
 *
 * @throws NerRetrieverError OPTION_INVALID, INDEX_NOT_FOUND, NOT_AN_INDEX, INDEX_FORMAT_NEWER, INDEX_FORMAT_OLDER, INDEX_DAMAGED
 */
export async function readIndexInfo(directory: string): Promise<IndexInfo> {
  const folder = await IndexFolder.open(indexRoot(directory));
  try {
    return folderInfo(folder);
  } finally {
    folder.close();
  }
}

export function folderInfo(folder: IndexFolder): IndexInfo {
  const { directory, manifest } = folder;
  const { format, dimensions, precision, model } = manifest;
  const { totals, segments, freeBytes } = folder.counts();
  const bytes = folder.bytes();
  const deadRows = totals.rows - totals.mentions;
  const rowBytes = segmentFiles(directory, 0, precision, dimensions).reduce((sum, column) => sum + column.rowBytes, 0);
  return {
    directory,
    formatVersion: format,
    documents: totals.documents,
    mentions: totals.mentions,
    dimensions,
    precision,
    segments,
    deadRows,
    bytes: bytes.total,
    vectorBytes: bytes.vectors,
    catalogBytes: bytes.catalog,
    reclaimableBytes: deadRows * rowBytes + freeBytes,
    approximate: approximateInfo(directory, totals.generation),
    model: { name: model.name, version: model.version, fingerprint: model.fingerprint, directory: model.path },
  };
}

function approximateInfo(directory: string, generation: number): IndexInfo['approximate'] {
  const record = readApproximateRecord(directory);
  if (!record) return null;
  const isCurrent = record.generation === generation;
  return { factory: record.factory, rows: record.rows, bytes: isCurrent ? record.bytes : 0, isCurrent };
}
