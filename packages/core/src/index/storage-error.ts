import { NerRetrieverError } from '../errors.js';

/** Says in our words what the file system or SQLite said, so that every way to fail names the index and a remedy. */
export function storageError(error: unknown, directory: string): unknown {
  if (NerRetrieverError.isInstance(error)) return error;
  const { code, message, file, reason } = error as { code?: unknown; message?: string; file?: string; reason?: string };
  if (typeof code !== 'string') return error;
  const options = { cause: error };
  if (code === 'DEVICE_FAILED') {
    return new NerRetrieverError(
      'DEVICE_FAILED',
      { device: 'cuda', what: 'the search', reason: `${message}` },
      options,
    );
  }
  if (code === 'SEGMENT_DAMAGED') return new NerRetrieverError('INDEX_DAMAGED', { file, reason }, options);
  if (diskFull.has(code)) return new NerRetrieverError('DISK_FULL', { directory }, options);
  // Our SQL is right: where SQLite finds an error in it, a table is not what it was.
  if (code === 'SQLITE_ERROR' || damaged.some((prefix) => code.startsWith(prefix))) {
    return new NerRetrieverError('INDEX_DAMAGED', { file: `${directory} (catalog)`, reason: `${message}` }, options);
  }
  if (notWritable.some((prefix) => code.startsWith(prefix))) {
    return new NerRetrieverError('INDEX_READ_ONLY', { directory, reason: `${message}` }, options);
  }
  if (code.startsWith('SQLITE_') || /^E[A-Z0-9]+$/.test(code)) {
    return new NerRetrieverError('STORAGE_FAILED', { directory, reason: `${message}` }, options);
  }
  return error;
}

const diskFull = new Set(['ENOSPC', 'EDQUOT', 'SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE']);
const damaged = ['SQLITE_CORRUPT', 'SQLITE_NOTADB'];
const notWritable = ['EROFS', 'EACCES', 'EPERM', 'SQLITE_READONLY', 'SQLITE_PERM'];
