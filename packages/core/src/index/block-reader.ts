import { type FileHandle, open } from 'node:fs/promises';
import { crc32c } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import type { Block } from './catalog.js';
import { ordinalBytes, segmentFiles } from './segment-files.js';

/** A block as read and checked. */
export interface BlockRows {
  /** [rows, dimensions] */
  readonly vectors: Float32Array;
  /** The document's ordinal of each row. */
  readonly documents: Uint32Array;
}

/** Reads blocks of an index one after the other and believes none of their bytes before their checksums agree. */
export class BlockReader {
  readonly #directory: string;
  readonly #dimensions: number;
  /** Blocks come in the order of segments: the files of one are open at a time. */
  #open: { segment: number; vectors: FileHandle; documents: FileHandle } | undefined;

  constructor(directory: string, dimensions: number) {
    this.#directory = directory;
    this.#dimensions = dimensions;
  }

  async read(block: Block): Promise<BlockRows> {
    const { segment, segmentRow, rows } = block;
    const names = segmentFiles(this.#directory, segment);
    const files = await this.#files(segment, names);
    const rowBytes = this.#dimensions * Float32Array.BYTES_PER_ELEMENT;
    const vectors = await readExactly(files.vectors, names.vectors, segmentRow * rowBytes, rows * rowBytes);
    check(vectors, block.vectorsChecksum, names.vectors, block);
    const documents = await readExactly(
      files.documents,
      names.documents,
      segmentRow * ordinalBytes,
      rows * ordinalBytes,
    );
    check(documents, block.documentsChecksum, names.documents, block);
    return {
      vectors: new Float32Array(vectors.buffer, vectors.byteOffset, rows * this.#dimensions),
      documents: new Uint32Array(documents.buffer, documents.byteOffset, rows),
    };
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.vectors.close();
    await open?.documents.close();
  }

  async #files(segment: number, names: { vectors: string; documents: string }) {
    if (this.#open?.segment === segment) return this.#open;
    await this.close();
    const vectors = await openSegment(names.vectors);
    try {
      this.#open = { segment, vectors, documents: await openSegment(names.documents) };
    } catch (error) {
      await vectors.close();
      throw error;
    }
    return this.#open;
  }
}

async function openSegment(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new NerRetrieverError('INDEX_DAMAGED', { file, reason: 'it is missing' }, { cause });
  }
}

async function readExactly(handle: FileHandle, file: string, position: number, bytes: number): Promise<Uint8Array> {
  // The size first: a damaged number of rows must not ask for memory that the file could never fill.
  const { size } = await handle.stat();
  if (size < position + bytes) {
    const reason = `it has ${size} bytes where the catalog counts on ${position + bytes}`;
    throw new NerRetrieverError('INDEX_DAMAGED', { file, reason });
  }
  // An array of its own, so that it begins on a multiple of four bytes.
  const buffer = new Uint8Array(bytes);
  let read = 0;
  while (read < bytes) {
    const { bytesRead } = await handle.read(buffer, read, Math.min(bytes - read, readBytes), position + read);
    if (bytesRead === 0)
      throw new NerRetrieverError('INDEX_DAMAGED', { file, reason: 'it became shorter while it was read' });
    read += bytesRead;
  }
  return buffer;
}

/** A single read of more than 2 GiB is refused by some systems. */
const readBytes = 1024 ** 3;

function check(bytes: Uint8Array, expected: number, file: string, block: Block): void {
  const received = crc32c(bytes);
  if (received === expected) return;
  const reason = `block ${block.block} (rows ${block.segmentRow} to ${block.segmentRow + block.rows}) has checksum ${hex(received)} instead of ${hex(expected)}`;
  throw new NerRetrieverError('INDEX_DAMAGED', { file, reason });
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}
