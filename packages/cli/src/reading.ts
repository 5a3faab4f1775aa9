import { stat } from 'node:fs/promises';
import type { DocumentRecord } from '@ner-retriever/core';
import { fileUnreadable } from './file-unreadable.js';
import type { Arguments } from './flags/arguments.js';
import type { Flag } from './flags/flag.js';

/** Flags of every verb that reads documents. */
export const readingFlags: readonly Flag[] = [
  {
    name: 'format',
    value: 'FORMAT',
    help: 'jsonl, text, csv or tsv, whatever the names say (standard input is jsonl unless told otherwise)',
  },
  {
    name: 'columns',
    value: 'id=NAME,text=NAME',
    help: 'the columns of a csv or tsv file, mentions=NAME too (default: id, text and, if there, mentions)',
  },
  { name: 'offsets', value: 'KIND', help: 'what given spans count: utf-16 (default) or code-points, as Python does' },
];

/** Documents of files, one after the other. */
export interface Reading {
  /** `bytes` of a record counts from the start of the first file. */
  readonly records: AsyncIterable<DocumentRecord>;
  /** Of all files together; null where standard input is one of them. */
  readonly totalBytes: number | null;
}

/**
 * Reads the files that a verb was given; "-" is standard input. Flags, names and places are checked before the first is read; a
 * file is opened when its turn comes.
 */
export async function readFiles(words: Arguments): Promise<Reading> {
  if (words.operands.length === 0) words.refuse('FILE… (or - for standard input)', 'none');
  const format = words.choice('format', ['jsonl', 'text', 'csv', 'tsv']);
  const offsets = words.choice('offsets', ['utf-16', 'code-points']);
  const columns = columnsOf(words);
  const sizes = await Promise.all(words.operands.map(sizeOf));
  const { readDocuments } = await import('@ner-retriever/core');
  const readers = words.operands.map((file) =>
    readDocuments(file, { ...(format && { format }), ...(offsets && { offsets }), ...(columns && { columns }) }),
  );
  return {
    records: oneAfterTheOther(readers, sizes),
    totalBytes: sizes.reduce((sum, size) => (sum === null || size === null ? null : sum + size), 0),
  };
}

async function* oneAfterTheOther(
  readers: readonly AsyncIterable<DocumentRecord>[],
  sizes: readonly (number | null)[],
): AsyncGenerator<DocumentRecord> {
  let before = 0;
  for (const [position, records] of readers.entries()) {
    for await (const record of records) yield { ...record, bytes: before + record.bytes };
    before += sizes[position] ?? 0;
  }
}

async function sizeOf(file: string): Promise<number | null> {
  if (file === '-') return null;
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw new Error('it is a folder; name the files in it');
    // A pipe or a device has no size.
    return found.isFile() ? found.size : null;
  } catch (cause) {
    throw fileUnreadable(file, cause);
  }
}

function columnsOf(words: Arguments): Columns | undefined {
  const given = words.text('columns');
  if (given === undefined) return undefined;
  const columns: Columns = {};
  for (const pair of given.split(',')) {
    const [, role, name] = /^(id|text|mentions)=(.+)$/.exec(pair) ?? [];
    if (role === undefined || name === undefined) words.refuse('--columns id=NAME,text=NAME', JSON.stringify(given));
    columns[role as keyof Columns] = name;
  }
  return columns;
}

interface Columns {
  id?: string;
  text?: string;
  mentions?: string;
}
