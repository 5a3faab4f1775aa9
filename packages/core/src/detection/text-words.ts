import { unspacedScripts } from './word-borders.js';

/** A word of a text, with its place: a run of letters and digits, a character of a script without spaces, or a symbol. */
export interface TextWord {
  /** In Unicode's composed form, with a plain apostrophe. */
  readonly word: string;
  readonly start: number;
  readonly end: number;
  /** Whether white space stands before it. */
  readonly spaced: boolean;
}

const wordPattern = new RegExp(
  `[A-Za-z0-9_]+(?![\\p{L}\\p{N}\\p{M}\\p{Pc}])|[${unspacedScripts}]\\p{M}*|(?:(?![${unspacedScripts}])[\\p{L}\\p{N}\\p{M}\\p{Pc}])+|\\S`,
  'gu',
);

/** The words of a text in order; all that they leave out is white space. */
export function* textWords(text: string): Generator<TextWord> {
  let reached = 0;
  for (const { 0: found, index: start } of text.matchAll(wordPattern)) {
    const end = start + found.length;
    yield { word: composed(found), start, end, spaced: start > reached };
    reached = end;
  }
}

function composed(word: string): string {
  if (word === '’') return "'";
  return mayCompose.test(word) ? word.normalize('NFC') : word;
}

const mayCompose = /[^ -\u02ff]/;
