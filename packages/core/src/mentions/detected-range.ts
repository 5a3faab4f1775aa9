import type { Span } from './mention.js';

/**
 * The characters of a detected mention, from the range of its tokens: without spaces round it (a leading-space token's range
 * holds the space), and with the accents that the normaliser dropped behind its last letter. Null where nothing is left.
 */
export function detectedRange(text: string, start: number, end: number): Span | null {
  const range = text.slice(start, end);
  const first = range.search(/\S/);
  if (first < 0) return null;
  marksBehind.lastIndex = start + range.trimEnd().length;
  marksBehind.test(text);
  return { start: start + first, end: Math.max(marksBehind.lastIndex, start + range.trimEnd().length) };
}

/** Sticky: at `lastIndex` and nowhere else. */
const marksBehind = /\p{M}*/uy;
