import type { LabelledCorpus, LabelledDocument } from '../evaluation/labelled-corpus.js';

/** The types of every mention, "other" ones left out; exact repeats of a mention have one row, as the embedder gives them. */
export function mentionTypes(documents: readonly LabelledDocument[], { types }: LabelledCorpus): string[][] {
  const counted = new Set(types.filter(({ other }) => !other).map(({ type }) => type));
  return documents.flatMap(({ mentions }) => {
    const bySpan = new Map<string, Set<string>>();
    for (const { start, end, types: own } of mentions) {
      const key = `${start},${end}`;
      const known = bySpan.get(key) ?? new Set<string>();
      for (const type of own) if (counted.has(type)) known.add(type);
      bySpan.set(key, known);
    }
    return [...bySpan.values()].map((own) => [...own]);
  });
}
