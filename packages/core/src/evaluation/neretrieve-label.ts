import { NerRetrieverError } from '../errors.js';
import type { Source } from '../text/document.js';

/** A place where an entity of a type is mentioned. */
export interface NeretrieveLabel extends Source {
  readonly type: string;
  /** As the mention is written there, in lower case at times. */
  readonly phrase: string;
  /** Numbers of its words in the paragraph, counted from 0. Never empty. */
  readonly words: readonly number[];
}

/**
 * Places out of a record's `tagged_entities`: type -> entity -> phrase -> places -> numbers of words. Empty places are passed over.
 *
 * @throws NerRetrieverError CORPUS_MALFORMED
 */
export function parseNeretrieveLabels(tagged: unknown, source: Source): NeretrieveLabel[] {
  return fields(tagged, source, 'tagged_entities').flatMap(([type, entities]) =>
    fields(entities, source, type).flatMap(([, phrases]) =>
      fields(phrases, source, type).flatMap(([phrase, places]) => {
        if (!Array.isArray(places) || !places.every(isPlace)) {
          throw malformed(source, `lists of word numbers for ${JSON.stringify(phrase)} of ${type}`, places);
        }
        return places.filter(({ length }) => length > 0).map((words) => ({ ...source, type, phrase, words }));
      }),
    ),
  );
}

function fields(value: unknown, source: Source, name: string): [string, unknown][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw malformed(source, `an object in ${JSON.stringify(name)}`, value);
}

function isPlace(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((word) => Number.isSafeInteger(word) && word >= 0);
}

function malformed(source: Source, expected: string, value: unknown): NerRetrieverError {
  const received = JSON.stringify(value)?.slice(0, 60) ?? 'nothing';
  return new NerRetrieverError('CORPUS_MALFORMED', { ...source, expected, received });
}
