import { crc32c } from '@ner-retriever/native';
import { numbersChecksum } from './numbers-checksum.js';

/** Rows that one commit appended to a segment: they follow those of the blocks before it. */
export interface Block {
  readonly block: number;
  readonly segment: number;
  readonly rows: number;
  /** CRC32C of the rows in each column of the segment. */
  readonly checksums: readonly number[];
  /** The largest length of a row as its codes say it (int8). */
  readonly longest: number;
}

/** A block as the catalog keeps it. `checksums` are little-endian uint32, one a column; `checksum` is the CRC32C of the rest. */
export type BlockColumns = [
  block: number,
  segment: number,
  rows: number,
  longest: number,
  checksums: Buffer,
  checksum: number,
];

export function packBlock({ block, segment, rows, longest, checksums }: Block): BlockColumns {
  const bytes = Buffer.alloc(checksums.length * 4);
  for (const [index, one] of checksums.entries()) bytes.writeUInt32LE(one, index * 4);
  const columns: BlockColumns = [block, segment, rows, longest, bytes, 0];
  columns[5] = checksumOf(columns);
  return columns;
}

/** Null where a bit of it is not as it was written. */
export function unpackBlock(columns: BlockColumns): Block | null {
  if (!(columns[4] instanceof Uint8Array) || checksumOf(columns) !== columns[5]) return null;
  const [block, segment, rows, longest, bytes] = columns;
  const checksums = Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32LE(index * 4));
  return { block, segment, rows, checksums, longest };
}

function checksumOf([block, segment, rows, longest, checksums]: BlockColumns): number {
  return crc32c(checksums, numbersChecksum([block, segment, rows, longest]));
}
