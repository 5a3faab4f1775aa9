import type { LabelledType } from './labelled-corpus.js';

/** What the data sets of the CoNLL shared tasks write for words that a person would search for. */
const abbreviations: Readonly<Record<string, string>> = {
  PER: 'person',
  LOC: 'location',
  ORG: 'organization',
  MISC: 'miscellaneous',
};

/** A type of a data set that is not known beforehand, with a name that reads as words: "creative-work" and "CreativeWork" as "creative work". */
export function readableType(type: string): LabelledType {
  const words = type
    .replaceAll('/', ' or ')
    .split(/[\s_-]+|(?<=\p{Ll})(?=\p{Lu})/u)
    .filter((word) => word !== '')
    // Capitals at a word's beginning are a matter of writing; a word all in capitals is an abbreviation.
    .map((word) => (/^\p{Lu}\P{Lu}+$/u.test(word) ? word.toLowerCase() : word));
  return {
    type,
    query: abbreviations[type] ?? (words.join(' ') || type),
    other: words.some((word) => /^(others?|misc|miscellaneous)$/i.test(word)),
  };
}
