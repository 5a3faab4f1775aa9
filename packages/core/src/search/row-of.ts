import type { Matrix } from '../matrix.js';

/** Row `row` of a matrix, in place. */
export function rowOf({ data, columns }: Matrix, row: number): Float32Array {
  return data.subarray(row * columns, (row + 1) * columns);
}
