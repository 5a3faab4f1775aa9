import type { Windows } from './windows.js';

/** Windows of one text that are encoded in one round; `last` where the text ends with them. */
export interface Section {
  readonly text: number;
  readonly windows: Windows;
  /** Indices of the text's windows, ascending. */
  readonly indices: readonly number[];
  readonly last: boolean;
}

/**
 * The windows that some given mentions are read from, at most `limit` a section.
 */
export function givenSections(text: number, windows: Windows, needed: Iterable<number>, limit: number): Section[] {
  const indices = [...new Set(needed)].sort((a, b) => a - b);
  const sections: Section[] = [];
  for (let from = 0; from < indices.length; from += limit) {
    sections.push({
      text,
      windows,
      indices: indices.slice(from, from + limit),
      last: from + limit >= indices.length,
    });
  }
  return sections;
}

/**
 * All windows of a text whose mentions are to be detected, at most `limit` a section. A section begins with the last two
 * windows of the one before it, so that a mention across the border is seen whole.
 */
export function detectedSections(text: number, windows: Windows, limit: number): Section[] {
  const sections: Section[] = [];
  const step = Math.max(limit, 3) - 2;
  for (let from = 0; ; from += step) {
    const to = Math.min(from + step + 2, windows.count);
    sections.push({
      text,
      windows,
      indices: Array.from({ length: to - from }, (_, i) => from + i),
      last: to === windows.count,
    });
    if (to === windows.count) return sections;
  }
}
