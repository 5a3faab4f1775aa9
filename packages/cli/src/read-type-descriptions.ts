import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { text as readAll } from 'node:stream/consumers';
import { NerRetrieverError } from '@ner-retriever/core/errors';
import { fileUnreadable } from './file-unreadable.js';

/** Type descriptions of a file ("-": standard input), one a line, as written; blank lines do not count. */
export async function readTypeDescriptions(file: string): Promise<string[]> {
  const lines = (await contentOf(file)).replace(/^\ufeff/, '').split(/\r?\n/);
  const descriptions = lines.filter((line) => line.trim() !== '');
  if (descriptions.length === 0) {
    throw new NerRetrieverError('FILE_UNREADABLE', {
      file,
      reason: 'it holds no type description, which stand one a line',
    });
  }
  return descriptions;
}

async function contentOf(file: string): Promise<string> {
  try {
    if (file === '-') return await readAll(process.stdin);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  } catch (cause) {
    throw fileUnreadable(file, cause instanceof TypeError ? new Error('it is not UTF-8', { cause }) : cause);
  }
}
