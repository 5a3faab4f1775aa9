import { type FileHandle, open } from 'node:fs/promises';
import type { Matrix } from '../matrix.js';
import type { StudyPooling } from './study-report.js';
import type { StudyTap } from './study-tap.js';

/** Poolings that the encoder gives, side by side in a row; the fourth is made of two of them. */
export const givenPoolings = ['last', 'first', 'mean'] as const;

/** Half-open ranges of columns. */
export type Columns = readonly (readonly [begin: number, end: number])[];

/** The vectors of all mentions with all taps and poolings, on disk: they may be larger than memory. */
export class VectorFile implements AsyncDisposable {
  readonly #file: FileHandle;
  /** First column of each tap, and the columns of all. */
  readonly #begins: readonly number[];
  readonly #columns: number;
  #values = 0;

  private constructor(file: FileHandle, begins: readonly number[], columns: number) {
    this.#file = file;
    this.#begins = begins;
    this.#columns = columns;
  }

  static async create(path: string, taps: readonly StudyTap[]): Promise<VectorFile> {
    const begins: number[] = [];
    let columns = 0;
    for (const { dimensions } of taps) {
      begins.push(columns);
      columns += dimensions;
    }
    return new VectorFile(await open(path, 'w+'), begins, columns);
  }

  async append(values: Float32Array): Promise<void> {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at)).bytesWritten;
    this.#values += values.length;
  }

  /** Columns of a tap under a pooling: the poolings stand side by side, each with all taps. */
  columnsOf(tap: number, pooling: StudyPooling): Columns {
    const begin = this.#begins[tap] as number;
    const end = this.#begins[tap + 1] ?? this.#columns;
    const under = (one: (typeof givenPoolings)[number]) => {
      const shift = givenPoolings.indexOf(one) * this.#columns;
      return [begin + shift, end + shift] as const;
    };
    return pooling === 'first+last' ? [under('first'), under('last')] : [under(pooling)];
  }

  /** The rows of a tap under a pooling. */
  async read(tap: number, pooling: StudyPooling): Promise<Matrix> {
    const parts = this.columnsOf(tap, pooling);
    const width = parts.reduce((sum, [begin, end]) => sum + end - begin, 0);
    const columns = givenPoolings.length * this.#columns;
    const rows = this.#values / columns;
    const data = new Float32Array(rows * width);
    const bytes = new Uint8Array(data.buffer);
    let at = 0;
    for (let row = 0; row < rows; row++) {
      for (const [begin, end] of parts) {
        const length = 4 * (end - begin);
        await this.#file.read(bytes, at, length, 4 * (row * columns + begin));
        at += length;
      }
    }
    return { rows, columns: width, data };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}
