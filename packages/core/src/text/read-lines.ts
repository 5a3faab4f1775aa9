import { isUtf8 } from 'node:buffer';
import { NerRetrieverError } from '../errors.js';
import { DamagedInput } from './damaged-input.js';
import type { Input } from './input.js';

/** A line, or why it cannot be read. Lines count from 1. */
export type Line =
  | { readonly number: number; readonly text: string }
  | {
      readonly number: number;
      readonly error: NerRetrieverError;
      /** The line, where it was read and is no UTF-8. */
      readonly bytes?: Uint8Array;
    };

/** A line longer than this is refused, and read past. */
export const maximumLineBytes = 64 * 1024 * 1024;

/**
 * The lines of an input, as they come: without their ends (\n or \r\n) and a byte order mark. What is wrong with one
 * line is said of that line alone: lines are cut from bytes and decoded one by one.
 */
export async function* readLines({ file, chunks }: Input, maximumBytes = maximumLineBytes): AsyncGenerator<Line> {
  let number = 1;
  let parts: Uint8Array[] = []; // the line so far
  let length = 0;

  const finish = (): Line => {
    const line = length > maximumBytes ? tooLong(file, number, maximumBytes) : decode(file, number, parts);
    number += 1;
    parts = [];
    length = 0;
    return line;
  };

  try {
    for await (const chunk of chunks) {
      for (let from = 0; from < chunk.length; ) {
        const end = chunk.indexOf(newline, from);
        const to = end === -1 ? chunk.length : end;
        length += to - from;
        if (length > maximumBytes) parts = [];
        else if (to > from) parts.push(chunk.subarray(from, to));
        if (end !== -1) yield finish();
        from = to + 1;
      }
    }
  } catch (error) {
    if (!(error instanceof DamagedInput)) throw error;
    const { compression, message: reason } = error;
    yield {
      number,
      error: new NerRetrieverError('INPUT_DAMAGED', { file, line: number, compression, reason }, { cause: error }),
    };
    return;
  }
  if (length > 0) yield finish();
}

const newline = 0x0a;

function decode(file: string, number: number, parts: readonly Uint8Array[]): Line {
  const bytes = Buffer.concat(parts);
  if (!isUtf8(bytes)) return { number, error: new NerRetrieverError('LINE_NOT_UTF8', { file, line: number }), bytes };
  let text = bytes.toString('utf8');
  if (number === 1 && text.startsWith('\ufeff')) text = text.slice(1);
  if (text.endsWith('\r')) text = text.slice(0, -1);
  return { number, text };
}

function tooLong(file: string, number: number, maximumBytes: number): Line {
  return { number, error: new NerRetrieverError('LINE_TOO_LONG', { file, line: number, maximumBytes }) };
}
