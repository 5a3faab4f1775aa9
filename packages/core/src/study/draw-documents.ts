import type { LabelledDocument } from '../evaluation/labelled-corpus.js';

/** Documents that have mentions, as many as are wanted, in their own order. */
export function drawDocuments(
  documents: readonly LabelledDocument[],
  wanted: number,
  random: () => number,
): readonly LabelledDocument[] {
  const useful = documents.filter(({ mentions }) => mentions.length > 0);
  const drawn = new Set<LabelledDocument>();
  const left = [...useful];
  while (drawn.size < Math.min(wanted, useful.length)) {
    const place = Math.floor(random() * left.length);
    drawn.add(left[place] as LabelledDocument);
    left[place] = left.at(-1) as LabelledDocument;
    left.pop();
  }
  return useful.filter((document) => drawn.has(document));
}
