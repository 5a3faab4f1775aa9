import { appendFileSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { NerRetrieverError, type RefusedRecord } from '@ner-retriever/core';

/**
 * A file of refused records, each as it stood and why, to be corrected and indexed again. JSON Lines:
 * `{"file", "line", "code", "message", "record"}`; `record` is null where there is none or it is too large, and where it is no UTF-8:
 * then `recordBase64` has its bytes. Begun anew by each run.
 */
export class DeadLetters {
  readonly #path: string;
  readonly #file: FileHandle;
  #synced = true;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** @param inputs files of the same run: none of them may be written over */
  static async open(path: string, inputs: readonly string[]): Promise<DeadLetters> {
    try {
      const identity = await identityOf(path);
      for (const input of inputs) {
        if (identity !== null && identity === (await identityOf(input)))
          throw unwritable(path, new Error('it is read in this run; name another file'));
      }
      return new DeadLetters(path, await open(path, 'w'));
    } catch (cause) {
      throw unwritable(path, cause);
    }
  }

  /** With the system when this returns: a kill loses nothing. */
  add({ source: { file, line }, error: { code, message }, raw }: RefusedRecord): void {
    const record =
      raw instanceof Uint8Array
        ? { record: null, recordBase64: Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('base64') }
        : { record: raw };
    try {
      appendFileSync(this.#file.fd, `${JSON.stringify({ file, line, code, message, ...record })}\n`);
    } catch (cause) {
      throw unwritable(this.#path, cause);
    }
    this.#synced = false;
  }

  /** On the disk when this resolves. */
  async sync(): Promise<void> {
    if (this.#synced) return;
    this.#synced = true;
    try {
      await this.#file.datasync();
    } catch (cause) {
      // A pipe or a device has no disk.
      if ((cause as NodeJS.ErrnoException).code !== 'EINVAL') throw unwritable(this.#path, cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.sync();
    } finally {
      await this.#file.close();
    }
  }
}

/** The same for two names of one file; null where there is none. */
async function identityOf(path: string): Promise<string | null> {
  if (path === '-') return null;
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? `${found.dev}:${found.ino}` : null;
}

function unwritable(file: string, cause: unknown): NerRetrieverError {
  if (NerRetrieverError.isInstance(cause)) return cause;
  const reason = (cause as Error).message;
  return new NerRetrieverError('FILE_UNWRITABLE', { file, reason }, { cause });
}
