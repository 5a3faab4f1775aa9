import { NerRetrieverError } from '../../errors.js';

/** Says in our words what the file system said of the cache. */
export function cacheError(error: unknown, directory: string): unknown {
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (NerRetrieverError.isInstance(error) || code === undefined || syscall === undefined) return error;
  const reason = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full' : message;
  return new NerRetrieverError('HUB_CACHE_UNWRITABLE', { directory, reason }, { cause: error });
}
