import type { DocumentRecord } from './document.js';
import { type OffsetUnit, parseDocument } from './parse-document.js';
import { parseJsonLine } from './parse-json-line.js';
import { readLines } from './read-lines.js';
import { type Item, reading } from './reading.js';

/**
 * Reads documents from JSON Lines, one a line: `{"id": "…", "text": "…", "mentions": [{"start": 0, "end": 12}], "metadata": {…}}`;
 * `mentions` and `metadata` may be absent, other fields are ignored, blank lines are skipped. A line that cannot be read becomes a
 * record with an error; the reading goes on behind it.
 *
 * @param source a file (.gz, .zst and .bz2 are decompressed), '-' for standard input, or bytes
 * @throws NerRetrieverError FILE_UNREADABLE when the first record is asked for
 */
export function readJsonLines(
  source: string | AsyncIterable<Uint8Array>,
  options: { /** What given spans count; default utf-16. */ offsets?: OffsetUnit } = {},
): AsyncGenerator<DocumentRecord> {
  return reading(source, async function* (input): AsyncGenerator<Item> {
    for await (const line of readLines(input)) {
      const place = { file: input.file, line: line.number };
      if ('error' in line) yield { line: line.number, error: line.error, raw: line.bytes };
      else if (line.text.trim() !== '')
        yield {
          line: line.number,
          raw: line.text,
          parse: () => parseDocument(parseJsonLine(line.text, place), place, options.offsets),
        };
    }
  });
}
