import type { LabelledType } from './labelled-corpus.js';

/** The types of WNUT-17 and the names by which they are searched for. */
export const wnut17Types: readonly LabelledType[] = [
  { type: 'person', query: 'person', other: false },
  { type: 'location', query: 'location', other: false },
  { type: 'group', query: 'group', other: false },
  { type: 'creative-work', query: 'creative work', other: false },
  { type: 'corporation', query: 'corporation', other: false },
  { type: 'product', query: 'product', other: false },
];
