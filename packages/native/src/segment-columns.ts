import { addon } from './addon.js';
import type { Precision } from './precision.js';

export interface SegmentColumn {
  readonly name: string;
  /** Bytes of a row. */
  readonly rowBytes: number;
}

/**
 * The columns of a segment, in order: one file each, one value (or row of values) for each row of the index,
 * little-endian, nothing between.
 *
 * | precision | columns (bytes of a row of d dimensions) |
 * | --- | --- |
 * | `float32` | vectors (4d), documents (4) |
 * | `bfloat16` | halves (2d), documents (4) |
 * | `int8` | vectors (4d), documents (4), codes (d), scales (4), errors (4), checksums (4) |
 *
 * @throws TypeError for an unknown precision; RangeError for dimensions that cannot be
 */
export function segmentColumns(precision: Precision, dimensions: number): readonly SegmentColumn[] {
  return addon.segmentColumns(precision, dimensions);
}
