/**
 * How a model's scores tell where a type ends in a ranking, as docs/cut-off.md defines it. Fitted to the cosines of one model: another
 * head or tap has others.
 */
export interface CutOffConstants {
  /** Of the logarithm of the likelihood ratio between a document of the type and another: a line in the score and the background. */
  readonly intercept: number;
  /** What a cosine of 1 adds to it; positive, so that the better score is the likelier one. */
  readonly scoreWeight: number;
  /** What a background of 1 takes from it: the score that a twentieth of the documents lie below. */
  readonly backgroundWeight: number;
  /** Share of a corpus that any type is expected to have, above 0 and below 1. */
  readonly typeShare: number;
  /** How much that counts against what a ranking says, from 0 to 1. */
  readonly typeShareWeight: number;
}
