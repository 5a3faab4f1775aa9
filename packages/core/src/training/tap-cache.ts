import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from '@ner-retriever/native';
import { NerRetrieverError } from '../errors.js';
import type { LabelledCorpus } from '../evaluation/labelled-corpus.js';
import type { Matrix } from '../matrix.js';

/** What is kept of a corpus: its vectors, and which of its mentions could not be embedded. */
export interface CachedTaps {
  /** One row a type, then one row a mention, unusable ones left out. */
  readonly vectors: Matrix;
  /** Places of the unusable mentions, counted over the corpus. */
  readonly skipped: readonly number[];
}

const magic = 'NERTAPS1';

/** Bytes that are read or written at once. */
const pieceBytes = 16 * 2 ** 20;

/** The name of a model's vectors of a corpus: of everything that decides them. */
export function tapCacheKey(fingerprint: string, { types, documents }: LabelledCorpus): string {
  const hash = createHash('sha256').update(`${fingerprint}\n`);
  hash.update(JSON.stringify(types.map(({ query }) => query)));
  for (const { text, mentions } of documents) {
    hash.update(`\n${JSON.stringify([text, mentions.flatMap(({ start, end }) => [start, end])])}`);
  }
  return hash.digest('hex');
}

/**
 * The vectors kept in a folder under a key; null where there are none, or where the file is damaged: then they are made anew.
 * The file: eight letters, the length of a JSON header (uint32), the header, the rows as little-endian float32.
 */
export async function readTapCache(directory: string, key: string): Promise<CachedTaps | null> {
  const file = await open(pathOf(directory, key), 'r').catch(() => null);
  if (file === null) return null;
  try {
    const prefix = Buffer.alloc(12);
    await readWhole(prefix, 0);
    if (prefix.toString('latin1', 0, 8) !== magic) return null;
    const length = prefix.readUInt32LE(8);
    const { size } = await file.stat();
    if (length > size) return null;
    const json = Buffer.alloc(length);
    await readWhole(json, 12);
    const { key: found, rows, columns, skipped, checksum } = JSON.parse(json.toString());
    if (found !== key || size !== 12 + length + 4 * rows * columns) return null;

    const data = new Float32Array(rows * columns);
    let sum = 0;
    for (let at = 0; at < data.byteLength; at += pieceBytes) {
      const piece = new Uint8Array(data.buffer, at, Math.min(pieceBytes, data.byteLength - at));
      await readWhole(piece, 12 + length + at);
      sum = crc32c(piece, sum);
    }
    return sum === checksum ? { vectors: { rows, columns, data }, skipped } : null;
  } catch {
    return null;
  } finally {
    await file.close();
  }

  async function readWhole(into: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const read = await file?.read(into, done, into.length - done, position + done);
      if (!read?.bytesRead) throw new RangeError('the file is cut off');
      done += read.bytesRead;
    }
  }
}

/** @throws NerRetrieverError FILE_UNWRITABLE. */
export async function writeTapCache(directory: string, key: string, { vectors, skipped }: CachedTaps): Promise<void> {
  const path = pathOf(directory, key);
  const { rows, columns, data } = vectors;
  const pieces = [];
  for (let at = 0; at < data.byteLength; at += pieceBytes) {
    pieces.push(new Uint8Array(data.buffer, data.byteOffset + at, Math.min(pieceBytes, data.byteLength - at)));
  }
  const checksum = pieces.reduce((sum, piece) => crc32c(piece, sum), 0);
  const header = Buffer.from(JSON.stringify({ key, rows, columns, skipped, checksum }));
  const prefix = Buffer.alloc(12);
  prefix.write(magic, 'latin1');
  prefix.writeUInt32LE(header.length, 8);
  const unfinished = `${path}.unfinished`;
  try {
    await mkdir(directory, { recursive: true });
    const file = await open(unfinished, 'w');
    try {
      for (const part of [prefix, header, ...pieces]) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { force: true }).catch(() => {});
    throw new NerRetrieverError('FILE_UNWRITABLE', { file: path, reason: (cause as Error).message }, { cause });
  }
}

function pathOf(directory: string, key: string): string {
  return join(directory, `${key.slice(0, 32)}.taps`);
}
