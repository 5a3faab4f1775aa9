import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { NerRetrieverError } from '../../errors.js';
import type { Part } from './part.js';

/** Parts are copied in pieces of this size, so that a file of any size is written in little memory. */
const PIECE_BYTES = 4 * 2 ** 20;

/** The bytes of all parts, one after the other, in pieces; a piece is valid until the next one. */
export async function* readParts(parts: readonly Part[]): AsyncGenerator<Uint8Array> {
  const sources = new Map<string, FileHandle>();
  const piece = new Uint8Array(PIECE_BYTES);
  let filled = 0;
  try {
    for (const part of parts) {
      for (let at = 0; at < part.length; ) {
        const length = Math.min(PIECE_BYTES - filled, part.length - at);
        const target = piece.subarray(filled, filled + length);
        if (part instanceof Uint8Array) target.set(part.subarray(at, at + length));
        else await readFully(await opened(part.path), part.path, part.offset + at, target);
        at += length;
        filled += length;
        if (filled < PIECE_BYTES) continue;
        yield piece;
        filled = 0;
      }
    }
    if (filled > 0) yield piece.subarray(0, filled);
  } finally {
    for (const file of sources.values()) await file.close();
  }

  async function opened(path: string): Promise<FileHandle> {
    const file = sources.get(path) ?? (await open(path));
    sources.set(path, file);
    return file;
  }
}

async function readFully(file: FileHandle, path: string, offset: number, target: Uint8Array): Promise<void> {
  for (let filled = 0; filled < target.length; ) {
    const { bytesRead } = await file.read(target, filled, target.length - filled, offset + filled);
    if (bytesRead === 0) {
      const [expected, received] = [`${offset + target.length} bytes in the file`, `${offset + filled} bytes`];
      throw new NerRetrieverError('MODEL_WEIGHTS_MISSING', { file: path, tensor: 'the model', expected, received });
    }
    filled += bytesRead;
  }
}

/** Writes all parts to a new file, durably. Gives its size and the SHA-256 of its bytes. */
export async function writeParts(
  path: string,
  parts: readonly Part[],
  onWritten: (bytes: number) => void,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  await using target = await open(path, 'wx');
  const sha256 = createHash('sha256');
  let bytes = 0;
  for await (const piece of readParts(parts)) {
    await write(target, sha256, piece);
    bytes += piece.length;
    onWritten(piece.length);
  }
  await target.sync();
  return { bytes, sha256: sha256.digest('hex') };
}

async function write(target: FileHandle, sha256: Hash, bytes: Uint8Array): Promise<void> {
  sha256.update(bytes);
  for (let at = 0; at < bytes.length; ) at += (await target.write(bytes, at)).bytesWritten;
}
