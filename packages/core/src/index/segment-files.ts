import { join } from 'node:path';

export const segmentsDirectory = 'segments';

/** Bytes of one row in the array of document ordinals (uint32). */
export const ordinalBytes = 4;

/** A segment stops growing past this many bytes of vectors; the next commit starts another. */
export const segmentBytesLimit = 1024 ** 3;

/** The two files of a segment: vectors (little-endian float32, row-major) and, row for row, ordinals of documents (little-endian uint32). */
export function segmentFiles(directory: string, segment: number): { vectors: string; documents: string } {
  const stem = join(directory, segmentsDirectory, String(segment).padStart(6, '0'));
  return { vectors: `${stem}.vectors`, documents: `${stem}.documents` };
}
