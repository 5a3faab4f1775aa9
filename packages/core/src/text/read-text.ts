import { basename } from 'node:path';
import type { DocumentRecord } from './document.js';
import { parseDocument } from './parse-document.js';
import { readLines } from './read-lines.js';
import { type Item, reading } from './reading.js';

/**
 * Reads plain text, a document a line; blank lines are skipped. The id is the file's name and the line: `notes.txt:12`.
 *
 * @param source a file (.gz, .zst and .bz2 are decompressed), '-' for standard input, or bytes
 * @throws NerRetrieverError FILE_UNREADABLE when the first record is asked for
 */
export function readText(source: string | AsyncIterable<Uint8Array>): AsyncGenerator<DocumentRecord> {
  return reading(source, async function* (input): AsyncGenerator<Item> {
    const name = basename(input.file);
    for await (const line of readLines(input)) {
      const place = { file: input.file, line: line.number };
      if ('error' in line) yield { line: line.number, error: line.error, raw: line.bytes };
      else if (line.text.trim() !== '') {
        const value = { id: `${name}:${line.number}`, text: line.text };
        yield { line: line.number, raw: line.text, parse: () => parseDocument(value, place) };
      }
    }
  });
}
