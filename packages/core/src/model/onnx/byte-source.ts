import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes that are read where they are wanted: a file of 16 GB has a few hundred kilobytes of graph. */
export interface ByteSource {
  readonly length: number;
  /** The bytes [offset, offset + length), which lie in the source; valid until the next call. */
  read(offset: number, length: number): Uint8Array;
}

export function bytesInMemory(bytes: Uint8Array): ByteSource {
  return { length: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** What is read at once: the tags of a graph lie a few bytes apart. */
const WINDOW_BYTES = 1 << 16;

/** A file, read through one window. */
export class FileBytes implements ByteSource {
  readonly length: number;
  /** Bytes that were asked of the operating system. */
  bytesRead = 0;
  readonly #descriptor: number;
  readonly #window = new Uint8Array(WINDOW_BYTES);
  #windowBegin = 0;
  #windowEnd = 0;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r');
    this.length = fstatSync(this.#descriptor).size;
  }

  read(offset: number, length: number): Uint8Array {
    if (length > WINDOW_BYTES) {
      const bytes = new Uint8Array(length);
      this.#fill(bytes, offset);
      return bytes;
    }
    if (offset < this.#windowBegin || offset + length > this.#windowEnd) {
      const size = Math.min(WINDOW_BYTES, this.length - offset);
      this.#fill(this.#window.subarray(0, size), offset);
      this.#windowBegin = offset;
      this.#windowEnd = offset + size;
    }
    const at = offset - this.#windowBegin;
    return this.#window.subarray(at, at + length);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #fill(target: Uint8Array, offset: number): void {
    for (let filled = 0; filled < target.length; ) {
      const read = readSync(this.#descriptor, target, filled, target.length - filled, offset + filled);
      if (read === 0) throw new RangeError(`the file ends at byte ${offset + filled}`);
      filled += read;
      this.bytesRead += read;
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
