import { numbersChecksum } from './numbers-checksum.js';

/** What a catalog counts: one record, which every transaction writes anew. */
export interface Totals {
  /** Documents and mentions that are alive. */
  readonly documents: number;
  readonly mentions: number;
  /** Rows of all segments, dead ones included. */
  readonly rows: number;
  /** The highest ordinal ever given, 0 before the first. */
  readonly lastOrdinal: number;
  /** Documents that died in this generation and had rows: also the number of the last of these events. */
  readonly deaths: number;
  /** The segment that is appended to: none ever had a higher number. */
  readonly segment: number;
  /** Counts compactions: rows keep their numbers within a generation. */
  readonly generation: number;
}

export const emptyTotals: Totals = {
  documents: 0,
  mentions: 0,
  rows: 0,
  lastOrdinal: 0,
  deaths: 0,
  segment: 1,
  generation: 1,
};

/** The columns of the record in their order, and their checksum last. */
export function packTotals(totals: Totals): number[] {
  const { documents, mentions, rows, lastOrdinal, deaths, segment, generation } = totals;
  const values = [documents, mentions, rows, lastOrdinal, deaths, segment, generation];
  return [...values, numbersChecksum(values)];
}

/** Null where a bit of it is not as it was written. */
export function unpackTotals(columns: readonly number[]): Totals | null {
  if (numbersChecksum(columns.slice(0, -1)) !== columns.at(-1)) return null;
  const [documents, mentions, rows, lastOrdinal, deaths, segment, generation] = columns as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { documents, mentions, rows, lastOrdinal, deaths, segment, generation };
}
