import type { MentionRows } from '../pooling/pool-mentions.js';
import type { EncoderOutput } from './encoder-session.js';
import type { TokenRange } from './windows.js';

/** A window after its batch ran: where its rows are. */
export interface EncodedWindow {
  /** Tokens of the text that it shows, counted from the text's first. */
  readonly range: TokenRange;
  readonly output: EncoderOutput;
  /** Row of the output that belongs to the window's first token, after the special tokens. */
  readonly row: number;
}

/** The rows of a mention's tokens `first` to `last` (inclusive, counted from the text's first), as far as the window shows them. */
export function mentionRows({ range, output, row }: EncodedWindow, first: number, last: number): MentionRows {
  const begin = Math.max(first, range.begin);
  const end = Math.min(last + 1, range.end);
  return { rows: output.tap, begin: row + begin - range.begin, end: row + end - range.begin };
}

/** The same window with rows of its own, which stay: `tapColumns` of the tap, and three logits of the detector. */
export function keepWindow({ range, output, row }: EncodedWindow, tapColumns: number): EncodedWindow {
  const end = row + range.end - range.begin;
  const tap = output.tap.slice(row * tapColumns, end * tapColumns);
  const detector = output.detector.slice(row * 3, end * 3);
  return { range, output: { tap, detector }, row: 0 };
}
