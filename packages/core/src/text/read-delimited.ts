import { NerRetrieverError } from '../errors.js';
import { DelimitedRecord } from './delimited-record.js';
import type { Document, DocumentRecord, RawRecord, Source } from './document.js';
import { type OffsetUnit, parseDocument } from './parse-document.js';
import { maximumLineBytes, readLines } from './read-lines.js';
import { type Item, reading } from './reading.js';

/** Which columns hold what; a name that is left out is the role's own. */
export interface DelimitedColumns {
  /** Default: id. */
  readonly id?: string;
  /** Default: text. */
  readonly text?: string;
  /** Default: mentions, where there is such a column: JSON, `[{"start": 0, "end": 12}]`, or empty for none given. */
  readonly mentions?: string;
}

export interface DelimitedOptions {
  /** What stands between columns: a comma (default) or a tab. */
  readonly delimiter?: ',' | '\t';
  readonly columns?: DelimitedColumns;
  /** What given spans count; default utf-16. */
  readonly offsets?: OffsetUnit;
}

/**
 * Reads documents from CSV or TSV with the columns' names in the first line. Columns other than id, text and mentions become the
 * document's metadata, as strings.
 *
 * @param source a file (.gz, .zst and .bz2 are decompressed), '-' for standard input, or bytes
 * @throws NerRetrieverError FILE_UNREADABLE or INPUT_COLUMNS_MISSING when the first record is asked for
 */
export function readDelimited(
  source: string | AsyncIterable<Uint8Array>,
  options: DelimitedOptions = {},
): AsyncGenerator<DocumentRecord> {
  return reading(source, async function* (input): AsyncGenerator<Item> {
    let layout: Layout | undefined;
    for await (const record of records(input, options.delimiter ?? ',')) {
      if ('error' in record) yield record;
      else if (!layout) layout = layoutOf(record.fields, options.columns ?? {}, input.file);
      else {
        const { line, raw, fields } = record;
        const known = layout;
        yield { line, raw, parse: () => parseFields(fields, known, { file: input.file, line }, options.offsets) };
      }
    }
  });
}

type DelimitedItem =
  | { readonly line: number; readonly raw: string; readonly fields: readonly string[] }
  | { readonly line: number; readonly raw?: RawRecord | undefined; readonly error: NerRetrieverError };

/** Records with the lines where they begin. */
async function* records(input: Parameters<typeof readLines>[0], delimiter: ',' | '\t'): AsyncGenerator<DelimitedItem> {
  const { file } = input;
  const noQuote = `none within ${maximumLineBytes} characters`;
  let open: { line: number; record: DelimitedRecord; lines: string[]; characters: number } | undefined;
  for await (const line of readLines(input)) {
    if ('error' in line) {
      // It may have been the middle of a record, which is then lost with it.
      yield { line: open?.line ?? line.number, error: line.error, raw: line.bytes && joined(open?.lines, line.bytes) };
      open = undefined;
      continue;
    }
    if (!open && line.text.trim() === '') continue;
    open ??= { line: line.number, record: new DelimitedRecord(delimiter), lines: [], characters: 0 };
    open.lines.push(line.text);
    open.characters += line.text.length;
    if (open.record.push(line.text)) {
      yield { line: open.line, raw: open.lines.join('\n'), fields: open.record.fields };
      open = undefined;
    } else if (open.characters > maximumLineBytes) {
      yield { line: open.line, raw: open.lines.join('\n'), error: unclosed(file, open.line, noQuote) };
      open = undefined;
    }
  }
  if (open)
    yield { line: open.line, raw: open.lines.join('\n'), error: unclosed(file, open.line, 'the end of the file') };
}

/** The lines before a line that is no UTF-8, and the line. */
function joined(lines: readonly string[] = [], bytes: Uint8Array): Uint8Array {
  return Buffer.concat([...lines.map((line) => Buffer.from(`${line}\n`)), bytes]);
}

function unclosed(file: string, line: number, received: string): NerRetrieverError {
  return new NerRetrieverError('LINE_MALFORMED', {
    file,
    line,
    expected: 'a closing quote for the one that opens in this record',
    received,
  });
}

/** Where each field of a record goes. */
interface Layout {
  readonly names: readonly string[];
  readonly id: number;
  readonly text: number;
  /** -1: there is no such column. */
  readonly mentions: number;
}

function layoutOf(header: readonly string[], columns: DelimitedColumns, file: string): Layout {
  const names = header.map((name) => name.trim());
  const { id = 'id', text = 'text' } = columns;
  const expected = [id, text, ...(columns.mentions === undefined ? [] : [columns.mentions])];
  if (expected.some((name) => !names.includes(name))) {
    throw new NerRetrieverError('INPUT_COLUMNS_MISSING', { file, expected, received: names });
  }
  return {
    names,
    id: names.indexOf(id),
    text: names.indexOf(text),
    mentions: names.indexOf(columns.mentions ?? 'mentions'),
  };
}

function parseFields(fields: readonly string[], layout: Layout, source: Source, offsets?: OffsetUnit): Document {
  const { names, id, text, mentions } = layout;
  if (fields.length !== names.length) {
    throw new NerRetrieverError('LINE_MALFORMED', {
      ...source,
      expected: `${names.length} fields (${names.join(', ')})`,
      received: `${fields.length}`,
    });
  }
  const others = names.flatMap((name, index) => ([id, text, mentions].includes(index) ? [] : [[name, fields[index]]]));
  const value = {
    id: fields[id],
    text: fields[text],
    mentions: spansOf(fields[mentions], source),
    ...(others.length > 0 && { metadata: Object.fromEntries(others) }),
  };
  return parseDocument(value, source, offsets);
}

function spansOf(json: string | undefined, source: Source): unknown {
  if (json === undefined || json.trim() === '') return undefined;
  try {
    return JSON.parse(json);
  } catch (cause) {
    const received = `something else (${(cause as Error).message})`;
    throw new NerRetrieverError(
      'DOCUMENT_INVALID',
      { ...source, field: 'mentions', expected: 'JSON', received },
      { cause },
    );
  }
}
