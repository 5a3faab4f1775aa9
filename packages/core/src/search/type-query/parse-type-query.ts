import { checkOption, checkOptions } from '../../check-options.js';
import { spanFault } from '../../mentions/span-fault.js';
import { aloneWeight } from './combine-vectors.js';
import type { TypeCombination } from './type-query.js';

export interface WeightedDescription {
  readonly description: string;
  readonly weight: number;
}

/** A mention from `start` to `end` of its text, which may be the mention alone. */
export interface WeightedExample {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly weight: number;
}

/** A combination that was checked, with nothing left out. */
export interface ParsedCombination {
  readonly all: readonly WeightedDescription[];
  readonly not: readonly WeightedDescription[];
  readonly examples: readonly WeightedExample[];
}

/**
 * Checks what a user wants to search for; a string stays one.
 *
 * @param query what a user wrote; may be anything
 * @param place what messages call it
 * @throws NerRetrieverError OPTION_INVALID, OPTION_UNKNOWN; both name the place: `query.examples[1].start`
 */
export function parseTypeQuery(query: unknown, place: string): string | ParsedCombination {
  if (typeof query === 'string') return query;
  const isObject = typeof query === 'object' && query !== null && !Array.isArray(query);
  checkOption(isObject, place, 'a type description: a string, or { all, not, examples }', query);
  checkOptions(place, query as object, ['all', 'not', 'examples']);
  const { all, not, examples } = query as { [Key in keyof TypeCombination]: unknown };
  const parsed = {
    all: items(all, `${place}.all`).map(parsePart),
    not: items(not, `${place}.not`).map(parsePart),
    examples: items(examples, `${place}.examples`).map(parseExample),
  };
  checkOption(parsed.all.length + parsed.examples.length > 0, place, 'something in all or in examples', 'neither');
  return parsed;
}

/** The words that say what the type is; none where it has only examples. */
export function wordsOf(query: string | ParsedCombination): string {
  return typeof query === 'string' ? query : query.all.map(({ description }) => description).join(' ');
}

function items(values: unknown, place: string): { readonly value: unknown; readonly place: string }[] {
  if (values === undefined) return [];
  checkOption(Array.isArray(values), place, 'an array', values);
  return (values as readonly unknown[]).map((value, index) => ({ value, place: `${place}[${index}]` }));
}

function parsePart({ value, place }: { value: unknown; place: string }): WeightedDescription {
  if (typeof value === 'string') return { description: value, weight: 1 };
  checkOption(typeof value === 'object' && value !== null, place, 'a string, or { description, weight }', value);
  checkOptions(place, value as object, ['description', 'weight']);
  const { description, weight = 1 } = value as { readonly description: unknown; readonly weight?: unknown };
  checkOption(typeof description === 'string', `${place}.description`, 'a string', description);
  return { description: description as string, weight: parseWeight(weight, place) };
}

function parseExample({ value, place }: { value: unknown; place: string }): WeightedExample {
  if (typeof value === 'string') return { text: value, start: 0, end: value.length, weight: aloneWeight };
  checkOption(typeof value === 'object' && value !== null, place, 'a string, or { text, start, end, weight }', value);
  checkOptions(place, value as object, ['text', 'start', 'end', 'weight']);
  const { text, start, end, weight } = value as { [key: string]: unknown };
  checkOption(typeof text === 'string', `${place}.text`, 'a string', text);
  const isAlone = start === undefined && end === undefined;
  const span = isAlone ? { start: 0, end: (text as string).length } : { start: start as number, end: end as number };
  for (const name of ['start', 'end'] as const) {
    checkOption(Number.isSafeInteger(span[name]), `${place}.${name}`, 'a whole number', span[name]);
  }
  const fault = isAlone ? null : spanFault(text as string, span);
  checkOption(
    fault === null,
    place,
    'where a mention of its text starts and ends',
    `${span.start}, ${span.end} (${fault})`,
  );
  return { text: text as string, ...span, weight: parseWeight(weight ?? (isAlone ? aloneWeight : 1), place) };
}

function parseWeight(weight: unknown, place: string): number {
  // What a type is not stands in `not`, where nobody overlooks it.
  const isWeight = Number.isFinite(weight) && (weight as number) > 0;
  checkOption(isWeight, `${place}.weight`, 'a number above 0', weight);
  return weight as number;
}
