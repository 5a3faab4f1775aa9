import type { TextTokenizer } from './text-tokenizer.js';
import type { TokenTable } from './token-table.js';
import type { TokenRange } from './windows.js';

/** A window before it ran: tokens `range` of the text whose first token is `textBegin` in the table. */
export interface WaitingWindow {
  readonly textBegin: number;
  readonly range: TokenRange;
}

/** A batch's ids and attention mask, [windows, length] each: every window between the special tokens, padded behind. */
export function packWindows(
  windows: readonly WaitingWindow[],
  length: number,
  tokens: TokenTable,
  { prefix, suffix }: TextTokenizer,
  paddingId: number,
): { readonly ids: BigInt64Array; readonly mask: BigInt64Array } {
  const ids = new BigInt64Array(windows.length * length);
  const mask = new BigInt64Array(windows.length * length);
  // A BigInt a token would cost as much as tokenising it: the low words are written instead (all supported systems are little-endian).
  const idWords = new Int32Array(ids.buffer);
  const maskWords = new Int32Array(mask.buffer);
  for (const [i, { textBegin, range }] of windows.entries()) {
    let at = 2 * i * length;
    const end = at + 2 * length;
    const put = (id: number) => {
      idWords[at] = id;
      maskWords[at] = 1;
      at += 2;
    };
    for (const id of prefix) put(id);
    for (let token = textBegin + range.begin; token < textBegin + range.end; token++) put(tokens.ids[token] as number);
    for (const id of suffix) put(id);
    for (; at < end; at += 2) idWords[at] = paddingId;
  }
  return { ids, mask };
}
