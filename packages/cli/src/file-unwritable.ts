import { NerRetrieverError } from '@ner-retriever/core/errors';

/** What the file system says of a file that cannot be written, as a message about the file; other errors stay what they are. */
export function fileUnwritable(file: string, cause: unknown): unknown {
  const { syscall, message } = cause as NodeJS.ErrnoException;
  if (syscall === undefined) return cause;
  return new NerRetrieverError('FILE_UNWRITABLE', { file, reason: message }, { cause });
}
