import { NerRetrieverError } from '../../errors.js';

/**
 * Says in our words what FAISS said.
 *
 * @param what the factory string or the file that it was about
 */
export function faissError(error: unknown, what: string): unknown {
  const { code, message: reason } = error as NodeJS.ErrnoException;
  if (code === 'BACKEND_UNAVAILABLE') {
    return new NerRetrieverError('BACKEND_UNAVAILABLE', { backend: 'faiss', reason }, { cause: error });
  }
  if (code === 'FAISS_FAILED' || error instanceof RangeError) {
    return new NerRetrieverError('FAISS_FAILED', { what, reason }, { cause: error });
  }
  return error;
}
