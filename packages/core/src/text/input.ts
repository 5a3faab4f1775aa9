import { open } from 'node:fs/promises';
import { NerRetrieverError } from '../errors.js';
import { DamagedInput } from './damaged-input.js';
import { gunzip } from './gunzip.js';
import { unbzip2 } from './unbzip2.js';
import { unzstd } from './unzstd.js';

/** Bytes to read documents from. */
export interface Input {
  /** As messages name it. */
  readonly file: string;
  /** Decompressed. Throws `DamagedInput` where the compressed data breaks off. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** How far the reading is, in bytes as stored. */
  bytesRead(): number;
}

/**
 * Opens a file (decompressed where its name ends in .gz, .zst or .bz2), standard input ('-'), or bytes that come from elsewhere.
 *
 * @throws NerRetrieverError FILE_UNREADABLE
 */
export async function openInput(source: string | AsyncIterable<Uint8Array>): Promise<Input> {
  if (typeof source !== 'string') return counted('input', source);
  if (source === '-') return counted('stdin', process.stdin);
  const { file, chunks, bytesRead } = counted(source, await openFile(source));
  return { file, chunks: decompressed(source, chunks), bytesRead };
}

async function openFile(file: string): Promise<AsyncIterable<Uint8Array>> {
  try {
    const handle = await open(file, 'r');
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      throw new Error('it is a folder; name the files in it');
    }
    // 256 KiB at a time; the stream closes the file at its end or when nobody reads on.
    return handle.createReadStream({ highWaterMark: 262_144 });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : message;
    throw new NerRetrieverError('FILE_UNREADABLE', { file, reason }, { cause });
  }
}

function counted(file: string, stream: AsyncIterable<Uint8Array>): Input {
  let bytes = 0;
  async function* count() {
    for await (const chunk of stream) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  return { file, chunks: count(), bytesRead: () => bytes };
}

function decompressed(file: string, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const name = file.toLowerCase();
  if (name.endsWith('.gz')) return naming('gzip', gunzip(chunks));
  if (name.endsWith('.zst')) return naming('zstd', unzstd(chunks));
  if (name.endsWith('.bz2')) return naming('bzip2', unbzip2(chunks));
  return chunks;
}

/** Failures of decompression as what they are; failures of reading pass through. */
async function* naming(compression: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall !== undefined) throw cause;
    throw new DamagedInput(compression, cause as Error);
  }
}
