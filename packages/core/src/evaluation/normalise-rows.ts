import type { Matrix } from '../matrix.js';

/** Every row at length 1; a row of zeros stays, a row of NaN stays. */
export function normaliseRows(matrix: Matrix): Matrix {
  const data = new Float32Array(matrix.data.length);
  for (let begin = 0; begin < data.length; begin += matrix.columns) {
    const row = matrix.data.subarray(begin, begin + matrix.columns);
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    data.set(length > 0 ? row.map((value) => value / length) : row, begin);
  }
  return { ...matrix, data };
}
