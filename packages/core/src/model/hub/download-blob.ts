import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { NerRetrieverError } from '../../errors.js';
import { type HubRequest, hubRequest, retryDelayMs, stallMs, unreachable } from './hub-request.js';
import { PartialFile } from './partial-file.js';

/** What the hub says of a file. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of the content, or git's SHA-1 of `blob BYTES\0` and the content: the name of its blob in the cache. */
  readonly etag: string;
}

export interface BlobDownload {
  readonly request: HubRequest;
  readonly file: HubFile;
  /** Where the content goes. */
  readonly blob: string;
  readonly onBytes: (received: number) => void;
}

/** Connections that break without having brought a byte, one after the other, until a download gives up. */
const mostFailures = 4;

/**
 * Downloads a file to `blob`, from where an earlier download ended, and checks its size and hash before it gets its name.
 *
 * @throws NerRetrieverError those of `hubRequest`, and HUB_FILE_CORRUPT; what the file system throws
 */
export async function downloadBlob(download: BlobDownload): Promise<void> {
  const { file, blob, request } = download;
  const partial = await PartialFile.claim(blob);
  let isWhole = false;
  try {
    const handle = await open(partial.path, 'a+');
    try {
      let { received, resumed } = await receive(handle, partial.path, download);
      // What was left may not have been the beginning of this file: the whole is asked for before anyone is told.
      if (received !== file.etag && resumed) {
        await handle.truncate(0);
        ({ received, resumed } = await receive(handle, partial.path, download));
      }
      if (received !== file.etag) {
        const { settings, id } = request;
        await handle.truncate(0);
        throw new NerRetrieverError('HUB_FILE_CORRUPT', {
          endpoint: settings.endpoint,
          id,
          file: file.path,
          expected: file.etag,
          received,
        });
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial.path, blob);
    isWhole = true;
  } finally {
    if (!isWhole) await partial.leave();
  }
}

/** Appends what is missing of the file; its hash, and whether it began with an earlier download's part. */
async function receive(
  handle: FileHandle,
  path: string,
  { request, file, onBytes }: BlobDownload,
): Promise<{ received: string; resumed: boolean }> {
  let { size } = await handle.stat();
  if (size > file.bytes) {
    await handle.truncate(0);
    size = 0;
  }
  const resumed = size > 0;
  let hash = hashOf(file);
  if (resumed) for await (const bytes of createReadStream(path, { end: size - 1 })) hash.update(bytes as Buffer);
  onBytes(size);

  for (let failures = 0; size < file.bytes; ) {
    try {
      const range = { 'accept-encoding': 'identity', ...(size > 0 && { range: `bytes=${size}-` }) };
      const response = await hubRequest({ ...request, headers: range });
      const begins = Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? 0);
      if (begins !== size) {
        // A server without ranges begins anew.
        await handle.truncate(0);
        size = 0;
        hash = hashOf(file);
      }
      for await (const bytes of chunks(response, request)) {
        failures = 0;
        size += bytes.length;
        if (size > file.bytes) break;
        await handle.appendFile(bytes);
        hash.update(bytes);
        onBytes(size);
      }
      if (size < file.bytes) throw unreachable(new Error('the connection ended early'), request);
    } catch (error) {
      const isBroken = NerRetrieverError.isInstance(error) && error.code === 'HUB_UNREACHABLE';
      if (!isBroken || failures === mostFailures) throw error;
      await sleep(retryDelayMs(failures++), undefined, request.signal && { signal: request.signal }).catch(() => {});
      request.signal?.throwIfAborted();
    }
  }
  const received = size > file.bytes ? `more than ${file.bytes} bytes` : hash.digest('hex');
  return { received, resumed };
}

function hashOf({ etag, bytes }: HubFile): Hash {
  return etag.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
}

/** The body as it comes in; HUB_UNREACHABLE where it breaks off or stalls. */
async function* chunks(response: Response, request: HubRequest): AsyncGenerator<Uint8Array> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  try {
    for (;;) {
      const timer = setTimeout(() => reader.cancel(), stallMs);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw unreachable(error, request);
  } finally {
    await reader.cancel().catch(() => {});
  }
}
