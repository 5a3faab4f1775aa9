/** A character that words are made of: `\w` for every language. */
const wordCharacter = /[\p{L}\p{N}\p{M}\p{Pc}]/u;

/** Scripts that put no space between words: every character of theirs may begin or end one. */
export const unspacedScripts =
  '\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{scx=Thai}\\p{scx=Lao}\\p{scx=Khmer}\\p{scx=Myanmar}';

const unspaced = new RegExp(`[${unspacedScripts}]`, 'u');
const combining = /\p{M}/u;

export function isWordCharacter(character: string): boolean {
  return wordCharacter.test(character);
}

/** True where `offset` lies within a word (or within a character): what ends or begins there is part of a longer one. */
export function splitsWord(text: string, offset: number): boolean {
  if (offset <= 0 || offset >= text.length) return false;
  const after = String.fromCodePoint(text.codePointAt(offset) as number);
  const before = characterBefore(text, offset);
  if (combining.test(after)) return true;
  if (!isWordCharacter(before) || !isWordCharacter(after)) return false;
  return !unspaced.test(before) && !unspaced.test(after);
}

/** The code point that ends at `offset`; '' at the start. */
export function characterBefore(text: string, offset: number): string {
  const low = text.charCodeAt(offset - 1);
  const isPair = (low & 0xfc00) === 0xdc00 && (text.charCodeAt(offset - 2) & 0xfc00) === 0xd800;
  return text.slice(isPair ? offset - 2 : offset - 1, offset);
}
