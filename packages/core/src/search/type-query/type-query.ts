/** A description of a type, as part of a combination. */
export type TypePart = string | { readonly description: string /** Default: 1. */; readonly weight?: number };

/**
 * A mention of an entity that is of the type: best in its sentence, where the model sees what it is (`text` from `start` to `end`,
 * UTF-16 offsets). A plain string, or a `text` alone, is the mention without a sentence; that tells the model much less.
 */
export type ExampleMention =
  | string
  | {
      readonly text: string;
      readonly start?: number;
      readonly end?: number;
      /** Default: 1 in a sentence, 0.4 without one. */
      readonly weight?: number;
    };

/**
 * A type that is described by more than a name:
 *
 *     { all: ['company', 'car maker'], not: ['railway company'] }
 *     { all: ['company'], examples: [{ text: 'Toyota opened a plant in Derby.', start: 0, end: 6 }] }
 *
 * It becomes one vector of length 1, after Rocchio (1971): the weighted mean of the vectors of `all`, plus n / (n + 1) of the weighted
 * mean of n examples, less 0.2 of the weighted mean of those of `not`. A weighted mean is the sum of each vector times its weight, divided
 * by their number: a single weight of 2 pulls twice as much. docs/searching.md has the measurements behind the numbers.
 */
export interface TypeCombination {
  /** What an entity of the type is, all of it at once. This or `examples` holds something. */
  readonly all?: readonly TypePart[];
  /** What it is not. */
  readonly not?: readonly TypePart[];
  readonly examples?: readonly ExampleMention[];
}

/** What to search for: a description in words, or a combination of descriptions and examples. */
export type TypeQuery = string | TypeCombination;
