import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Precision, packRows } from '@ner-retriever/native';
import { NerRetrieverError } from '../../errors.js';
import { syncDirectory } from '../write-file-durably.js';
import { type ColumnFile, segmentBytesLimit, segmentFiles, segmentOf, segmentsDirectory } from './segment-files.js';

/** How the vectors of an index are kept. */
export interface VectorLayout {
  readonly directory: string;
  readonly dimensions: number;
  readonly precision: Precision;
}

/** A segment as far as the catalog counts it. */
export interface CountedSegment {
  readonly segment: number;
  readonly rows: number;
}

/** Where appended rows lie and what their bytes add up to. */
export interface AppendedRows {
  readonly segment: number;
  readonly rows: number;
  /** CRC32C of the rows in each column. */
  readonly checksums: readonly number[];
  /** The largest length of a row as its codes say it (int8). */
  readonly longest: number;
}

interface OpenColumn extends ColumnFile {
  readonly handle: FileHandle;
}

/**
 * Appends rows to the last segment. What is appended counts only once the catalog says so: until `accept`, the next append
 * writes over it.
 */
export class SegmentWriter {
  readonly #layout: VectorLayout;
  #segment: number;
  /** Rows of the segment that the catalog counts. */
  #rows: number;
  #columns: readonly OpenColumn[];

  private constructor(layout: VectorLayout, { segment, rows }: CountedSegment, columns: readonly OpenColumn[]) {
    this.#layout = layout;
    this.#segment = segment;
    this.#rows = rows;
    this.#columns = columns;
  }

  /** Opens a segment to append to it, and cuts what a killed writer left beyond the rows that count. */
  static async open(layout: VectorLayout, last: CountedSegment): Promise<SegmentWriter> {
    await mkdir(join(layout.directory, segmentsDirectory), { recursive: true });
    const columns = await openColumns(layout, last.segment);
    try {
      for (const column of columns) await cut(column, last.rows);
    } catch (error) {
      await closeColumns(columns);
      throw error;
    }
    return new SegmentWriter(layout, last, columns);
  }

  /** The segment that is appended to. */
  get segment(): number {
    return this.#segment;
  }

  /** Writes rows and makes them durable. `vectors` [rows, dimensions], `documents` [rows]. */
  async append(vectors: Float32Array, documents: Uint32Array): Promise<AppendedRows> {
    const { precision, dimensions } = this.#layout;
    const packed = await packRows(precision, dimensions, vectors, documents);
    if (this.#isFull()) await this.startSegment();
    const written = this.#columns.map(async ({ handle, rowBytes }, index) => {
      await writeAll(handle, packed.columns[index] as Uint8Array, this.#rows * rowBytes);
      await handle.datasync();
    });
    // All of them come to an end before anything else is written.
    const failed = (await Promise.allSettled(written)).find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
    return {
      segment: this.#segment,
      rows: documents.length,
      checksums: packed.checksums,
      longest: packed.longest,
    };
  }

  /** The catalog counts the rows that were appended last. */
  accept(rows: number): void {
    this.#rows += rows;
  }

  async startSegment(): Promise<void> {
    const columns = await openColumns(this.#layout, this.#segment + 1);
    await closeColumns(this.#columns);
    this.#columns = columns;
    this.#segment += 1;
    this.#rows = 0;
  }

  async close(): Promise<void> {
    await closeColumns(this.#columns);
  }

  #isFull(): boolean {
    const widest = Math.max(...this.#columns.map(({ rowBytes }) => rowBytes));
    return this.#rows * widest >= segmentBytesLimit;
  }
}

/** Takes away the files of segments that do not count: of a compaction, those that it read, or those that a kill left half made. */
export async function removeSegmentsExcept(directory: string, counted: ReadonlySet<number>): Promise<void> {
  const folder = join(directory, segmentsDirectory);
  for (const name of await readdir(folder)) {
    const segment = segmentOf(name);
    if (segment !== undefined && !counted.has(segment)) await rm(join(folder, name), { force: true });
  }
}

async function openColumns({ directory, precision, dimensions }: VectorLayout, segment: number): Promise<OpenColumn[]> {
  const columns: OpenColumn[] = [];
  try {
    for (const { file, rowBytes } of segmentFiles(directory, segment, precision, dimensions)) {
      columns.push({ file, rowBytes, handle: await open(file, constants.O_RDWR | constants.O_CREAT) });
    }
    await syncDirectory(join(directory, segmentsDirectory));
    return columns;
  } catch (error) {
    await closeColumns(columns);
    throw error;
  }
}

async function closeColumns(columns: readonly OpenColumn[]): Promise<void> {
  for (const { handle } of columns) await handle.close();
}

async function cut({ handle, file, rowBytes }: OpenColumn, rows: number): Promise<void> {
  const bytes = rows * rowBytes;
  const { size } = await handle.stat();
  if (size < bytes) {
    const reason = `it has ${size} bytes where the catalog counts on ${bytes}`;
    throw new NerRetrieverError('INDEX_DAMAGED', { file, reason });
  }
  if (size > bytes) await handle.truncate(bytes);
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}
