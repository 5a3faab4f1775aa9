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
