/** A part of a file to write: bytes, or bytes of another file that are read when their turn comes. */
export type Part = Uint8Array | { readonly path: string; readonly offset: number; readonly length: number };

/** Bytes of all parts together. */
export function lengthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
