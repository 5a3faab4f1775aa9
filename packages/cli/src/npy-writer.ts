import { type FileHandle, open } from 'node:fs/promises';
import { discardPartial, finishPartial, partialPath } from './partial-file.js';

/** Version 1.0 of the format: magic, version, header length, header; 128 bytes in all leave room for any number of rows. */
const headerBytes = 128;

/**
 * Writes a NumPy array of float32 (little-endian, C order) row by row; how many rows there are need not be known before. The file
 * appears under its name when it is whole, and not before.
 */
export class NpyWriter {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #columns: number;
  #values = 0;

  static async create(path: string, columns: number): Promise<NpyWriter> {
    return new NpyWriter(path, await open(partialPath(path), 'w'), columns);
  }

  private constructor(path: string, file: FileHandle, columns: number) {
    this.#path = path;
    this.#file = file;
    this.#columns = columns;
  }

  get rows(): number {
    return this.#values / this.#columns;
  }

  /** Adds whole rows. */
  async write(values: Float32Array): Promise<void> {
    await writeAll(this.#file, bytesOf(values), headerBytes + this.#values * 4);
    this.#values += values.length;
  }

  /** Writes the header and gives the file its name. */
  async finish(): Promise<void> {
    await writeAll(this.#file, header(this.rows, this.#columns), 0);
    await this.#file.close();
    await finishPartial(this.#path);
  }

  /** Leaves no file. */
  async discard(): Promise<void> {
    await this.#file.close();
    await discardPartial(this.#path);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

function header(rows: number, columns: number): Uint8Array {
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const bytes = Buffer.alloc(headerBytes, ' ');
  bytes.write('\x93NUMPY\x01\x00', 'latin1');
  bytes.writeUInt16LE(headerBytes - 10, 8);
  bytes.write(dictionary, 10, 'latin1');
  bytes.write('\n', headerBytes - 1, 'latin1');
  return bytes;
}

/** Node runs on little-endian machines only. */
function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
