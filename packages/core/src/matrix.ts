/** Rows of float32 vectors: row-major and compact, row `i` is `data.subarray(i * columns, (i + 1) * columns)`. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Length rows × columns. */
  readonly data: Float32Array;
}
