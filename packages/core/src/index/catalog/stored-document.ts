import { crc32c } from '@ner-retriever/native';
import type { Mention, Span } from '../../mentions/mention.js';
import type { Document, JsonValue } from '../../text/document.js';

/** One document of a commit, with its place. */
export interface PlacedDocument {
  /** Rises with every document ever added and is never used again: the order of equal scores. */
  readonly ordinal: number;
  readonly document: Document;
  /** Digest of all that decides the document's rows. */
  readonly content: Uint8Array;
  /** The mentions that have a vector, in the order of their rows. */
  readonly mentions: readonly Mention[];
}

/** A document as the catalog keeps it: the columns of its table, and what they are read as. */
export const columnTypes = {
  ordinal: 'INTEGER',
  id: 'BLOB',
  content: 'BLOB',
  rows: 'INTEGER',
  mentions: 'BLOB',
  metadata: 'BLOB',
  evidence: 'BLOB',
  text: 'BLOB',
  metadata_checksum: 'INTEGER',
  checksum: 'INTEGER',
} as const;

export const documentColumns = Object.keys(columnTypes) as (keyof typeof columnTypes)[];

/** Values of the columns; texts are UTF-8. */
export type DocumentColumns = [
  ordinal: number,
  id: Buffer,
  content: Uint8Array,
  rows: number,
  /** JSON of the spans as given; null: none were given. */
  mentions: Buffer | null,
  /** JSON. */
  metadata: Buffer | null,
  evidence: Buffer,
  text: Buffer,
  metadataChecksum: number,
  checksum: number,
];

/** A document as read back. */
export interface StoredDocument {
  readonly document: Document;
  /** Mentions that have a vector: so many rows. */
  readonly rows: number;
  /** The mention whose vector the document's row `index` is, from 0; undefined where there are not as many. */
  mention(index: number): Mention | undefined;
}

export function packDocument({ ordinal, document, content, mentions }: PlacedDocument): DocumentColumns {
  const spans = document.mentions?.map(({ start, end }) => [start, end]);
  const columns: DocumentColumns = [
    ordinal,
    utf8(document.id),
    content,
    mentions.length,
    spans ? utf8(JSON.stringify(spans)) : null,
    document.metadata ? utf8(JSON.stringify(document.metadata)) : null,
    packEvidence(mentions),
    utf8(document.text),
    0,
    0,
  ];
  columns[8] = metadataChecksum(ordinal, columns[5]);
  columns[9] = checksum(columns);
  return columns;
}

/** Null where a bit of it is not as it was written. */
export function unpackDocument(columns: DocumentColumns): StoredDocument | null {
  return checksum(columns) === columns[9] ? read(columns) : null;
}

/** What is wrong with a stored document, for people; undefined where nothing is. */
export function documentFault(columns: DocumentColumns): string | undefined {
  if (checksum(columns) !== columns[9]) return 'was changed';
  const [, , , rows, , , evidence] = columns;
  if (evidence.length !== rows * evidenceBytes) {
    return `has ${rows} mentions, and ${evidence.length} bytes that say where they stand`;
  }
  let stored: StoredDocument;
  try {
    stored = read(columns);
  } catch {
    return 'has spans or metadata that are not JSON';
  }
  const { length } = stored.document.text;
  for (let row = 0; row < rows; row += 1) {
    const { start, end } = stored.mention(row) as Mention;
    if (start >= end || end > length) return `has a mention ${start}–${end} in a text of ${length}`;
  }
  return undefined;
}

function read(columns: DocumentColumns): StoredDocument {
  const [, id, , rows, mentions, metadata, evidence, bytes] = columns;
  const text = bytes.toString('utf8');
  return {
    document: {
      id: id.toString('utf8'),
      text,
      ...(mentions !== null && { mentions: spansOf(mentions.toString('utf8')) }),
      ...(metadata !== null && { metadata: JSON.parse(metadata.toString('utf8')) as { [key: string]: JsonValue } }),
    },
    rows,
    mention: (index) => (index >= 0 && index < rows ? unpackEvidence(evidence, index, text) : undefined),
  };
}

/** CRC32C by which metadata can be relied on without the rest of its record, as filters do. */
export function metadataChecksum(ordinal: number, metadata: Uint8Array | null): number {
  return crc32c(metadata ?? utf8('none'), crc32c(utf8(String(ordinal))));
}

/** CRC32C of all columns but the last. */
function checksum(columns: DocumentColumns): number {
  return columns.slice(0, -1).reduce<number>((seed, column) => crc32c(bytesOf(column), seed), 0);
}

function bytesOf(column: DocumentColumns[number]): Uint8Array {
  return column instanceof Uint8Array ? column : utf8(String(column));
}

export function utf8(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

function spansOf(json: string): Span[] {
  return (JSON.parse(json) as [number, number][]).map(([start, end]) => ({ start, end }));
}

const evidenceBytes = 12;

/**
 * A row's mention in 12 bytes, little-endian: start and end (uint32, UTF-16 offsets), score (float32, NaN where the span was given). One
 * value a document instead of one record a mention: mentions are many, and only ever looked up by row.
 */
function packEvidence(mentions: readonly Mention[]): Buffer {
  const bytes = Buffer.allocUnsafe(mentions.length * evidenceBytes);
  for (const [index, { start, end, score = Number.NaN }] of mentions.entries()) {
    bytes.writeUInt32LE(start, index * evidenceBytes);
    bytes.writeUInt32LE(end, index * evidenceBytes + 4);
    bytes.writeFloatLE(score, index * evidenceBytes + 8);
  }
  return bytes;
}

function unpackEvidence(evidence: Buffer, index: number, text: string): Mention {
  const at = index * evidenceBytes;
  const [start, end, score] = [evidence.readUInt32LE(at), evidence.readUInt32LE(at + 4), evidence.readFloatLE(at + 8)];
  return { start, end, text: text.slice(start, end), ...(!Number.isNaN(score) && { score }) };
}
