import { join } from 'node:path';
import { type Precision, segmentColumns } from '@ner-retriever/native';

export const segmentsDirectory = 'segments';

/** A segment stops growing past this many bytes of its widest column; the next commit starts another. */
export const segmentBytesLimit = 1024 ** 3;

/** A column of a segment: one file with one value, or one row, a mention. */
export interface ColumnFile {
  readonly file: string;
  /** Bytes of a mention's value. */
  readonly rowBytes: number;
}

/** The files of a segment, in the order of `segmentColumns`. */
export function segmentFiles(
  directory: string,
  segment: number,
  precision: Precision,
  dimensions: number,
): readonly ColumnFile[] {
  const stem = join(directory, segmentsDirectory, String(segment).padStart(6, '0'));
  return segmentColumns(precision, dimensions).map(({ name, rowBytes }) => ({ file: `${stem}.${name}`, rowBytes }));
}

/** The segment that a file belongs to, by its name; undefined where it is no segment's. */
export function segmentOf(name: string): number | undefined {
  const digits = /^(\d{6,})\.[a-z]+$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
