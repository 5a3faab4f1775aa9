import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32c } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import { ordinalBytes, segmentBytesLimit, segmentFiles, segmentsDirectory } from './segment-files.js';
import { syncDirectory } from './write-file-durably.js';

/** Where appended rows lie and what their bytes add up to. */
export interface AppendedRows {
  readonly segment: number;
  readonly segmentRow: number;
  readonly vectorsChecksum: number;
  readonly documentsChecksum: number;
}

/**
 * Appends rows to the last segment. What is appended counts only once the catalog says so: until `accept`, the next append
 * writes over it.
 */
export class SegmentWriter {
  readonly #directory: string;
  readonly #rowBytes: number;
  #segment: number;
  /** Rows of the segment that the catalog counts. */
  #rows: number;
  #files: { vectors: FileHandle; documents: FileHandle };

  private constructor(
    directory: string,
    rowBytes: number,
    segment: number,
    rows: number,
    files: { vectors: FileHandle; documents: FileHandle },
  ) {
    this.#directory = directory;
    this.#rowBytes = rowBytes;
    this.#segment = segment;
    this.#rows = rows;
    this.#files = files;
  }

  /** Opens the last segment and cuts what a killed writer left beyond the rows that count. */
  static async open(
    directory: string,
    dimensions: number,
    last: { segment: number; rows: number } | undefined,
  ): Promise<SegmentWriter> {
    const rowBytes = dimensions * Float32Array.BYTES_PER_ELEMENT;
    await mkdir(join(directory, segmentsDirectory), { recursive: true });
    const { segment, rows } = last ?? { segment: 1, rows: 0 };
    const files = await openFiles(directory, segment);
    try {
      const names = segmentFiles(directory, segment);
      await cut(files.vectors, names.vectors, rows * rowBytes);
      await cut(files.documents, names.documents, rows * ordinalBytes);
    } catch (error) {
      await closeFiles(files);
      throw error;
    }
    return new SegmentWriter(directory, rowBytes, segment, rows, files);
  }

  /** Writes rows and makes them durable. `vectors` [rows, dimensions], `documents` [rows]. */
  async append(vectors: Float32Array, documents: Uint32Array): Promise<AppendedRows> {
    if (this.#rows * this.#rowBytes >= segmentBytesLimit) await this.#startSegment();
    const vectorBytes = bytesOf(vectors);
    const documentBytes = bytesOf(documents);
    await writeAll(this.#files.vectors, vectorBytes, this.#rows * this.#rowBytes);
    await writeAll(this.#files.documents, documentBytes, this.#rows * ordinalBytes);
    await this.#files.vectors.datasync();
    await this.#files.documents.datasync();
    return {
      segment: this.#segment,
      segmentRow: this.#rows,
      vectorsChecksum: crc32c(vectorBytes),
      documentsChecksum: crc32c(documentBytes),
    };
  }

  /** The catalog counts the rows that were appended last. */
  accept(rows: number): void {
    this.#rows += rows;
  }

  async close(): Promise<void> {
    await closeFiles(this.#files);
  }

  async #startSegment(): Promise<void> {
    const files = await openFiles(this.#directory, this.#segment + 1);
    await closeFiles(this.#files);
    this.#files = files;
    this.#segment += 1;
    this.#rows = 0;
  }
}

async function openFiles(directory: string, segment: number): Promise<{ vectors: FileHandle; documents: FileHandle }> {
  const names = segmentFiles(directory, segment);
  const vectors = await open(names.vectors, constants.O_RDWR | constants.O_CREAT);
  try {
    const documents = await open(names.documents, constants.O_RDWR | constants.O_CREAT);
    await syncDirectory(dirname(names.vectors));
    return { vectors, documents };
  } catch (error) {
    await vectors.close();
    throw error;
  }
}

async function closeFiles(files: { vectors: FileHandle; documents: FileHandle }): Promise<void> {
  await files.vectors.close();
  await files.documents.close();
}

async function cut(handle: FileHandle, file: string, bytes: number): Promise<void> {
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

function bytesOf(array: Float32Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
