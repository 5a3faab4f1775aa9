import { NerRetrieverError } from '@ner-retriever/core/errors';

/** What the file system says of a file that cannot be read, as a message about the file. */
export function fileUnreadable(file: string, cause: unknown): NerRetrieverError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reason = code === 'ENOENT' ? 'there is no such file' : message;
  return new NerRetrieverError('FILE_UNREADABLE', { file, reason }, { cause });
}
