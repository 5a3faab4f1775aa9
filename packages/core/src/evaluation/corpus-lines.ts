import { openInput } from '../text/input.js';
import { readLines } from '../text/read-lines.js';

/**
 * The lines of a data set's file, counted from 1. A line that cannot be read ends the reading: figures of half a data set would mean
 * something else.
 *
 * @throws NerRetrieverError FILE_UNREADABLE, or LINE_… naming the line
 */
export async function* corpusLines(file: string): AsyncGenerator<{ readonly number: number; readonly text: string }> {
  for await (const line of readLines(await openInput(file))) {
    if ('error' in line) throw line.error;
    yield line;
  }
}
