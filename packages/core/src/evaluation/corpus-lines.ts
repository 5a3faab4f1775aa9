import { NerRetrieverError } from '../errors.js';
import { openInput } from '../text/input.js';
import { readLines } from '../text/read-lines.js';

/**
 * The lines of a data set's file, counted from 1. A line that cannot be read ends the reading: figures of half a data set would mean
 * something else.
 *
 * @throws NerRetrieverError FILE_UNREADABLE, INPUT_EMPTY for a file of blank lines, or LINE_… naming the line
 */
export async function* corpusLines(file: string): AsyncGenerator<{ readonly number: number; readonly text: string }> {
  let empty = true;
  for await (const line of readLines(await openInput(file))) {
    if ('error' in line) throw line.error;
    empty &&= line.text.trim() === '';
    yield line;
  }
  if (empty) throw new NerRetrieverError('INPUT_EMPTY', { file });
}
