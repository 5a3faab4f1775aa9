import type { Span } from '../mentions/mention.js';

/**
 * The words of a text as GLiNER's splitter `whitespace` cuts them: letters and digits, joined by hyphens and underscores; every other
 * character that is no white space is a word of its own. Python's classes, which differ from JavaScript's.
 */
export function splitWords(text: string): Span[] {
  return Array.from(text.matchAll(word), ({ 0: found, index }) => ({ start: index, end: index + found.length }));
}

const letter = String.raw`[\p{L}\p{N}_]`;
const word = new RegExp(String.raw`${letter}+(?:[-_]${letter}+)*|[^\s\x1c-\x1f\x85]|\ufeff`, 'gu');
