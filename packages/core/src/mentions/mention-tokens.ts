/** Character ranges of a text's tokens, half-open UTF-16 offsets; `begin` and `end` bound the text's own part of the arrays. */
export interface TokenRanges {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly begin: number;
  readonly end: number;
}

/**
 * The token that stands for a mention: the last of the tokens whose range holds the mention's last character, or -1.
 *
 * A character is what a reader takes for one: an accent or a joiner belongs to the letter before it, and so do the vowels and finals
 * of Hangul syllables that are written in parts: normalisers drop or compose them, and then no token's range holds them. Zero-length ranges hold nothing; the tokens of one character's bytes share a range.
 */
export function lastMentionToken(text: string, start: number, end: number, tokens: TokenRanges): number {
  for (let character = end - 1; character >= start; character--) {
    const token = lastTokenHolding(character, tokens);
    if (token >= 0) return token;
    if (!belongsToCharacterBefore(text, character)) return -1;
  }
  return -1;
}

/**
 * The first token of a mention whose last token is `last`: the first of those whose range holds the mention's first
 * character, or, where that character has no token (a quotation mark that the normaliser drops), the next one.
 */
export function firstMentionToken(start: number, last: number, { starts, ends, begin }: TokenRanges): number {
  let low = begin;
  let high = last;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(ends, middle) <= start) low = middle + 1;
    else high = middle;
  }
  while (low < last && at(starts, low) === at(ends, low)) low++;
  return low;
}

/** First and last token with characters of their own, or null: the tokens of a text that is a mention as a whole. */
export function ownTokens({ starts, ends, begin, end }: TokenRanges): { first: number; last: number } | null {
  let first = begin;
  let last = end - 1;
  while (first <= last && at(ends, first) === at(starts, first)) first++;
  while (last >= first && at(ends, last) === at(starts, last)) last--;
  return first <= last ? { first, last } : null;
}

/** Starts and ends never fall from token to token (the tokenizer wrapper sees to it), so a bisection finds the place. */
function lastTokenHolding(character: number, { starts, ends, begin, end }: TokenRanges): number {
  let low = begin;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(starts, middle) <= character) low = middle + 1;
    else high = middle;
  }
  for (let token = low - 1; token >= begin; token--) {
    if (at(ends, token) > character) return token;
    if (at(ends, token) > at(starts, token)) return -1;
  }
  return -1;
}

function belongsToCharacterBefore(text: string, offset: number): boolean {
  if ((text.charCodeAt(offset) & 0xfc00) === 0xdc00) return true;
  return /[\p{M}\p{Cf}\u1160-\u11ff\ud7b0-\ud7fb]/u.test(String.fromCodePoint(text.codePointAt(offset) as number));
}

function at(array: Int32Array, index: number): number {
  return array[index] as number;
}
