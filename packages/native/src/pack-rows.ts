import { addon } from './addon.js';
import type { Precision } from './precision.js';

/** New rows as the bytes that are appended to the files of a segment. */
export interface PackedRows {
  /** In the order of `segmentColumns`. `vectors` and `documents` are views of the arrays that were passed. */
  readonly columns: readonly Uint8Array<ArrayBuffer>[];
  /** CRC-32C of each column's bytes. */
  readonly checksums: readonly number[];
  /** `int8`: the length of the longest quantised row, on which the bound of its search stands; 0 otherwise. */
  readonly longest: number;
}

/**
 * Makes the columns of new rows, off the event loop. The result is the same on every machine.
 *
 * @param vectors `[n, dimensions]`; not to be changed or transferred before the promise settles
 * @param documents `[n]`: the ordinal of each row's document, from 0 to 2^32 - 2, never falling; the same holds
 * @throws RangeError if sizes or documents are wrong; TypeError for an unknown precision, or for arrays that are not
 *   over ordinary memory
 */
export async function packRows(
  precision: Precision,
  dimensions: number,
  vectors: Float32Array,
  documents: Uint32Array,
): Promise<PackedRows> {
  return addon.packRows(precision, dimensions, vectors, documents);
}
