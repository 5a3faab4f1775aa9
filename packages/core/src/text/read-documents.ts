import { checkOption, checkOptions } from '../check-options.js';
import { NerRetrieverError } from '../errors.js';
import type { DocumentRecord } from './document.js';
import type { OffsetUnit } from './parse-document.js';
import { type DelimitedColumns, readDelimited } from './read-delimited.js';
import { readJsonLines } from './read-json-lines.js';
import { readText } from './read-text.js';

export type DocumentFormat = 'jsonl' | 'text' | 'csv' | 'tsv';

export interface ReadOptions {
  /** Default: by the file's name; standard input is jsonl. */
  readonly format?: DocumentFormat;
  /** What given spans count; default utf-16. */
  readonly offsets?: OffsetUnit;
  /** Which columns of a csv or tsv file hold what. */
  readonly columns?: DelimitedColumns;
}

/**
 * Reads documents from a file of any format that is known: .jsonl, .ndjson, .txt, .csv, .tsv, each also with .gz, .zst or .bz2 behind it; '-' is
 * standard input. What cannot be read becomes a record with an error, and the reading goes on behind it.
 *
 * @throws NerRetrieverError OPTION_UNKNOWN, OPTION_INVALID, INPUT_FORMAT_UNKNOWN at once; FILE_UNREADABLE or INPUT_COLUMNS_MISSING
 *   when the first record is asked for
 */
export function readDocuments(path: string, options: ReadOptions = {}): AsyncGenerator<DocumentRecord> {
  checkOptions('readDocuments', options, ['format', 'offsets', 'columns']);
  const { format = formatOf(path), offsets = 'utf-16', columns = {} } = options;
  checkOption(offsets === 'utf-16' || offsets === 'code-points', 'offsets', 'utf-16 or code-points', offsets);
  checkOptions('columns', columns, ['id', 'text', 'mentions']);
  switch (format) {
    case 'jsonl':
      return readJsonLines(path, { offsets });
    case 'text':
      return readText(path);
    case 'csv':
      return readDelimited(path, { delimiter: ',', columns, offsets });
    case 'tsv':
      return readDelimited(path, { delimiter: '\t', columns, offsets });
    default:
      throw new NerRetrieverError('OPTION_INVALID', {
        option: 'format',
        expected: 'jsonl, text, csv or tsv',
        received: String(format),
      });
  }
}

const formatsByName: Readonly<Record<string, DocumentFormat>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.txt': 'text',
  '.csv': 'csv',
  '.tsv': 'tsv',
};

function formatOf(path: string): DocumentFormat {
  if (path === '-') return 'jsonl';
  const [, extension] = /(\.[a-z]+)(\.gz|\.zst|\.bz2)?$/i.exec(path) ?? [];
  const format = formatsByName[extension?.toLowerCase() ?? ''];
  if (format) return format;
  throw new NerRetrieverError('INPUT_FORMAT_UNKNOWN', { file: path, expected: Object.keys(formatsByName) });
}
