import { addon } from './addon.js';
import { type CudaDevice, handleOf } from './cuda-device.js';
import type { Pooling } from './pooling.js';

/**
 * One vector for each span of token rows: its last row, its first row, the mean of its rows, or its first row and its last
 * side by side. Synchronous: it is tiny work, done in the threads that hold the rows.
 *
 * @param rows `[tokens, dimensions]`, row-major
 * @param dimensions columns of `rows`
 * @param spans `[spans, 2]`: half-open ranges of token rows, `begin0, end0, begin1, end1, …`. They may nest, overlap,
 *   repeat and come in any order.
 * @param device Where it is done; the CPU where none is given. The bits are the same.
 * @returns `[spans, dimensions]`, of 'first+last' `[spans, 2 * dimensions]`
 * @throws RangeError for a span that is empty or leaves the rows, and for arrays that are no whole number of rows
 * @throws TypeError for arrays of another type, or over detached, shared or resizable memory
 */
export function poolSpans(
  rows: Float32Array,
  dimensions: number,
  spans: Int32Array,
  pooling: Pooling,
  device?: CudaDevice,
): Float32Array {
  return addon.poolSpans(rows, dimensions, spans, pooling, device === undefined ? null : handleOf(device));
}
