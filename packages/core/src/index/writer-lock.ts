import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import Database from 'libsql';
import { NerRetrieverError } from '../errors.js';

export const lockFile = 'writer.lock';
export const holderFile = 'writer.json';

/**
 * One writer at a time. The lock is SQLite's own exclusive file lock (fcntl, LockFileEx) on a file that holds nothing:
 * the kernel frees it when the process dies, so that no stale lock is ever left to clear by hand. A file beside it says who
 * holds it; only the message reads that.
 *
 * Never open the lock file by other means: POSIX drops all locks of a process on a file when it closes any descriptor of it.
 */
export class WriterLock {
  readonly #database: Database.Database;

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  static async acquire(directory: string): Promise<WriterLock> {
    const database = new Database(resolve(directory, lockFile));
    try {
      database.exec('PRAGMA journal_mode = MEMORY');
      database.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      database.close();
      if (!String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) throw error;
      throw new NerRetrieverError('INDEX_LOCKED', { directory, holder: await holder(directory) }, { cause: error });
    }
    const lock = new WriterLock(database);
    try {
      const facts = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
      await writeFile(join(directory, holderFile), JSON.stringify(facts));
    } catch (error) {
      lock.release();
      throw error;
    }
    return lock;
  }

  release(): void {
    this.#database.exec('ROLLBACK');
    this.#database.close();
  }
}

/** In words, for the message: as good as the file beside the lock says. */
async function holder(directory: string): Promise<string> {
  try {
    const { pid, host, since } = JSON.parse(await readFile(join(directory, holderFile), 'utf8'));
    const where = host === hostname() ? '' : ` on ${host}`;
    return pid === process.pid ? `this very process, since ${since}` : `process ${pid}${where}, since ${since}`;
  } catch {
    return 'it did not say who it is';
  }
}
