import { NerRetrieverError } from '../errors.js';
import type { Source } from './document.js';

/**
 * The value of a line of JSON Lines.
 *
 * @throws NerRetrieverError LINE_MALFORMED, naming the place
 */
export function parseJsonLine(text: string, source: Source): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // Its own lines and columns count within the line: they would only confuse.
    const reason = (cause as Error).message.replace(/ \(line \d+ column \d+\)/, '');
    const received = `something else (${reason})`;
    throw new NerRetrieverError('LINE_MALFORMED', { ...source, expected: 'a JSON object', received }, { cause });
  }
}
