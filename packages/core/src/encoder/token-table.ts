/**
 * The tokens of some texts in flat arrays, without special tokens: an object a token would cost more than the encoder.
 * Text `i` has the tokens `textBegins[i]` to `textBegins[i + 1]`.
 */
export interface TokenTable {
  readonly textBegins: Int32Array;
  readonly ids: Int32Array;
  /** Half-open UTF-16 range of each token in its text; starts and ends never fall within a text. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** 1 where a token begins a word of the pre-tokenizer; of the text, where that leaves texts whole. */
  readonly wordBegins: Uint8Array;
}
