import type { Matrix } from '../matrix.js';

/** The rows of a matrix, each under the name that stands at its place. */
export function rowsByName(names: readonly string[], { columns, data }: Matrix): Map<string, Float32Array> {
  return new Map(names.map((name, row) => [name, data.slice(row * columns, (row + 1) * columns)]));
}
