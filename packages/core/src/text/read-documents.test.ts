import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NerRetrieverError } from '../errors.js';
import { DelimitedRecord } from './delimited-record.js';
import type { DocumentRecord } from './document.js';
import { type ReadOptions, readDocuments } from './read-documents.js';
import { readJsonLines } from './read-json-lines.js';
import { readLines } from './read-lines.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'documents-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

async function read(name: string, content: string | Uint8Array, options?: ReadOptions): Promise<DocumentRecord[]> {
  const file = join(directory, name);
  await writeFile(file, content);
  return collect(readDocuments(file, options));
}

/** Documents, and for what was refused: line, code. */
function brief(records: readonly DocumentRecord[]) {
  return records.map((record) =>
    'document' in record
      ? record.document
      : [record.source.line, record.error.code, record.error.details.field ?? null],
  );
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error as NerRetrieverError,
  );

describe('JSON Lines', () => {
  test('documents come as they are; blank lines, a byte order mark and \\r\\n do not matter', async () => {
    const records = await read(
      'a.jsonl',
      '\ufeff{"id":"1","text":"Ä 🦖"}\r\n\n  \n{"id":"2","text":"","mentions":[],"metadata":{"a":[1]},"other":1}',
    );
    expect(brief(records)).toEqual([
      { id: '1', text: 'Ä 🦖' },
      { id: '2', text: '', mentions: [], metadata: { a: [1] } },
    ]);
    expect(records.map(({ source }) => source.line)).toEqual([1, 4]);
    expect(records[0]?.source.file).toBe(join(directory, 'a.jsonl'));
  });

  test.each([
    ['{"id": "a", "text": ', 'LINE_MALFORMED', null],
    ['[]', 'DOCUMENT_INVALID', 'document'],
    ['{"text": "x"}', 'DOCUMENT_INVALID', 'id'],
    ['{"id": 7, "text": "x"}', 'DOCUMENT_INVALID', 'id'],
    ['{"id": "", "text": "x"}', 'DOCUMENT_INVALID', 'id'],
    ['{"id": "\\u0000", "text": "x"}', 'DOCUMENT_INVALID', 'id'],
    ['{"id": "a"}', 'DOCUMENT_INVALID', 'text'],
    ['{"id": "a", "text": null}', 'DOCUMENT_INVALID', 'text'],
    ['{"id": "a", "text": "half \\ud83d"}', 'DOCUMENT_INVALID', 'text'],
    ['{"id": "a", "text": "x", "mentions": {}}', 'DOCUMENT_INVALID', 'mentions'],
    ['{"id": "a", "text": "x", "mentions": [[0, 1]]}', 'DOCUMENT_INVALID', 'mentions[0]'],
    ['{"id": "a", "text": "x", "mentions": [{"start": 0}]}', 'DOCUMENT_INVALID', 'mentions[0].end'],
    ['{"id": "a", "text": "x", "mentions": [{"start": 0.5, "end": 1}]}', 'DOCUMENT_INVALID', 'mentions[0].start'],
    ['{"id": "a", "text": "x", "metadata": []}', 'DOCUMENT_INVALID', 'metadata'],
  ])('%s is refused alone, with file, line and field', async (line, code, field) => {
    const records = await read('bad.jsonl', `{"id":"1","text":"x"}\n${line}\n{"id":"3","text":"y"}\n`);
    expect(brief(records)).toEqual([{ id: '1', text: 'x' }, [2, code, field], { id: '3', text: 'y' }]);
    const message = (records[1] as { error: NerRetrieverError }).error.message;
    expect(message).toContain(`${join(directory, 'bad.jsonl')}:2: expected`);
  });

  test('invalid UTF-8 fails its own line', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"id":"1","text":"x"}\n{"id":"2","text":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}\n{"id":"3","text":"y"}'),
    ]);
    expect(brief(await read('a.jsonl', bytes))).toEqual([
      { id: '1', text: 'x' },
      [2, 'LINE_NOT_UTF8', null],
      { id: '3', text: 'y' },
    ]);
  });

  test('a span outside its text is left for the encoder to count', async () => {
    const records = await read('a.jsonl', '{"id":"1","text":"x","mentions":[{"start":-3,"end":99,"type":"odd"}]}');
    expect(brief(records)).toEqual([{ id: '1', text: 'x', mentions: [{ start: -3, end: 99 }] }]);
  });

  test('offsets in code points become UTF-16, also behind emoji; outside stays outside', async () => {
    const line = JSON.stringify({
      id: '1',
      text: '🦖 é e\u0301 🏴󠁧󠁢󠁳󠁣󠁴󠁿 Rex',
      mentions: [
        { start: 15, end: 18 },
        { start: 0, end: 1 },
        { start: -1, end: 40 },
      ],
    });
    const [record] = await read('a.jsonl', line, { offsets: 'code-points' });
    const { text, mentions } = (
      record as unknown as { document: { text: string; mentions: { start: number; end: number }[] } }
    ).document;
    const points = [...text];
    expect(text.slice(mentions[0]?.start, mentions[0]?.end)).toBe(points.slice(15, 18).join(''));
    expect(text.slice(mentions[1]?.start, mentions[1]?.end)).toBe('🦖');
    expect(mentions[2]).toEqual({ start: -1, end: text.length + 40 - points.length });
  });

  test('a text of 5 MB', async () => {
    const text = 'A ünïcode word. '.repeat(330_000);
    const records = await read('big.jsonl', `${JSON.stringify({ id: 'big', text })}\n{"id":"next","text":"x"}`);
    expect(brief(records)).toEqual([
      { id: 'big', text },
      { id: 'next', text: 'x' },
    ]);
  });

  test('bytes that come from elsewhere, cut anywhere, read the same', async () => {
    const content = Buffer.from('{"id":"1","text":"Ä 🦖"}\r\n{"id":"2"}\r\n\r\n{"id":"3","text":"é"}');
    const whole = brief(await collect(readJsonLines(Readable.from([content]))));
    for (let size = 1; size < 12; size += 1) {
      const pieces = Array.from({ length: Math.ceil(content.length / size) }, (_, i) =>
        content.subarray(i * size, (i + 1) * size),
      );
      expect(brief(await collect(readJsonLines(Readable.from(pieces))))).toEqual(whole);
    }
  });
});

describe('lines', () => {
  const lines = (content: string, maximum: number) =>
    collect(readLines({ file: 'f', chunks: Readable.from([Buffer.from(content)]), bytesRead: () => 0 }, maximum));

  test('a line that is too long is refused and read past', async () => {
    const read = await lines(`short\n${'x'.repeat(50)}\nlast`, 10);
    expect(read.map((line) => ('text' in line ? line.text : line.error.code))).toEqual([
      'short',
      'LINE_TOO_LONG',
      'last',
    ]);
    expect(read.map(({ number }) => number)).toEqual([1, 2, 3]);
  });
});

describe('what an input can be', () => {
  test('a missing file and a folder are errors before anything is read', async () => {
    const missing = await failure(collect(readDocuments(join(directory, 'missing.jsonl'))));
    expect(missing?.code).toBe('FILE_UNREADABLE');
    expect(missing?.message).toContain('there is no such file');
    const folder = await failure(collect(readDocuments(directory, { format: 'jsonl' })));
    expect(folder?.code).toBe('FILE_UNREADABLE');
    expect(folder?.message).toContain('folder');
  });

  test('an empty file, or one of blank lines, is refused by name', async () => {
    expect(brief(await read('a.jsonl', ''))).toEqual([[1, 'INPUT_EMPTY', null]]);
    expect(brief(await read('a.txt', '\n\n'))).toEqual([[1, 'INPUT_EMPTY', null]]);
    expect(brief(await read('a.csv', 'id,text\n'))).toEqual([[1, 'INPUT_EMPTY', null]]);
  });

  test('options are checked, and a name that says no format', () => {
    expect(() => readDocuments('x.pdf')).toThrow(/\.jsonl/);
    expect(() => readDocuments('x.jsonl', { offset: 'utf-16' } as ReadOptions)).toThrow(/offset/);
    expect(() => readDocuments('x.jsonl', { offsets: 'bytes' as 'utf-16' })).toThrow(/code-points/);
    expect(() => readDocuments('x.jsonl', { format: 'xml' as 'csv' })).toThrow(/tsv/);
  });
});

describe('plain text', () => {
  test('a document a line, named by file and line', async () => {
    expect(brief(await read('notes.txt', 'first\n\nthird\n'))).toEqual([
      { id: 'notes.txt:1', text: 'first' },
      { id: 'notes.txt:3', text: 'third' },
    ]);
  });
});

describe('CSV and TSV', () => {
  test('quotes, line breaks in fields, other columns as metadata', async () => {
    const records = await read(
      'a.csv',
      '\ufeffid,text,year,mentions\r\n1,"a ""q"", b\n\nsecond",1990,\r\n\r\n2,say "hi",,"[{""start"":0,""end"":3}]"\r\n',
    );
    expect(brief(records)).toEqual([
      { id: '1', text: 'a "q", b\n\nsecond', metadata: { year: '1990' } },
      { id: '2', text: 'say "hi"', mentions: [{ start: 0, end: 3 }], metadata: { year: '' } },
    ]);
    expect(records.map(({ source }) => source.line)).toEqual([2, 6]);
  });

  test('named columns, and tabs', async () => {
    const content = 'sku\tname\n1\t"Hi" he said\n2\t"quoted\ttab"\n';
    expect(brief(await read('a.tsv', content, { columns: { id: 'sku', text: 'name' } }))).toEqual([
      { id: '1', text: 'Hi he said' },
      { id: '2', text: 'quoted\ttab' },
    ]);
  });

  test('records that are wrong are refused alone; missing columns stop the file', async () => {
    const records = await read('a.csv', 'id,text\n1,x,y\n2,ok\n,no id\n3,"[",\n4,"never closed\n5,ok\n');
    expect(brief(records)).toEqual([
      [2, 'LINE_MALFORMED', null],
      { id: '2', text: 'ok' },
      [4, 'DOCUMENT_INVALID', 'id'],
      [5, 'LINE_MALFORMED', null],
      [6, 'LINE_MALFORMED', null],
    ]);
    const error = await failure(read('b.csv', 'name,body\n1,x\n'));
    expect(error?.code).toBe('INPUT_COLUMNS_MISSING');
    expect(error?.message).toContain('name, body');
  });

  test.each([
    ['', ['']],
    ['a,,', ['a', '', '']],
    ['"",""', ['', '']],
    ['"a"b,c', ['ab', 'c']],
    ['"a""",b', ['a"', 'b']],
  ])('the fields of %j', (line, fields) => {
    const record = new DelimitedRecord(',');
    expect(record.push(line)).toBe(true);
    expect(record.fields).toEqual(fields);
  });
});

describe('compressed files', () => {
  // Random ids, so that the compressed data is long too.
  const lines = Array.from(
    { length: 3000 },
    (_, index) => `{"id":"${index}-${(index * 2654435761) >>> 0}","text":"text ${index}"}\n`,
  );
  const ids = lines.map((line) => JSON.parse(line).id as string);
  const by = (program: string, flags: string) => (content: string) => {
    try {
      return execFileSync(program, [flags, '-c'], { input: content, stdio: ['pipe', 'pipe', 'ignore'] });
    } catch {
      return null; // no such program here
    }
  };

  test.each([
    ['gz', (content: string) => gzipSync(content)],
    ['zst', by('zstd', '-q')],
    // Blocks of 100 KB, so that there are several.
    ['bz2', by('bzip2', '-1')],
  ])('.%s is read like the file itself; a truncated one up to where it breaks off', async (extension, compress) => {
    const whole = compress(lines.join(''));
    if (!whole) return;
    const found = await read(`a.jsonl.${extension}`, whole);
    expect(found.map((record) => 'document' in record && record.document.id)).toEqual(ids);
    expect(found.at(-1)?.bytes).toBe(whole.length);

    const two = compress(lines.slice(0, 10).join(''));
    expect(await read(`b.jsonl.${extension}`, Buffer.concat([two as Buffer, two as Buffer]))).toHaveLength(20);

    for (const share of [0.5, 0.9, 0.999]) {
      const records = await read(`c.jsonl.${extension}`, whole.subarray(0, Math.floor(whole.length * share)));
      const last = records.pop();
      expect(records.map((record) => 'document' in record && record.document.id)).toEqual(ids.slice(0, records.length));
      expect(records.length).toBeGreaterThan(extension === 'gz' ? 3000 * (share - 0.3) : -1);
      expect(brief([last as DocumentRecord])).toEqual([[records.length + 1, 'INPUT_DAMAGED', null]]);
    }
    const junk = await read(`d.jsonl.${extension}`, 'this was never compressed, whatever its name says');
    expect(brief(junk)).toEqual([[1, 'INPUT_DAMAGED', null]]);
  });
});
