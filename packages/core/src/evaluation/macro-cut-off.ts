import type { CutOffMeasures } from './cut-off-measures.js';
import type { CutOffSituations } from './cut-off-situations.js';
import { macroMean } from './macro-mean.js';

/** Means over types, each counting the same. */
export interface CutOffMeans {
  /** Types that have a value. */
  readonly types: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly bestF1: number;
  readonly fixedF1: number;
  /** The median: a mean of ratios says little. */
  readonly countRatio: number;
}

/** How good a system's estimated cut-offs are, in the situations of `CutOffSituations`. */
export interface SystemCutOff {
  readonly whole: CutOffMeans | null;
  readonly small: CutOffMeans | null;
  readonly mostly: CutOffMeans | null;
  /** Median of the documents above the estimate where the type has none. */
  readonly absentDocuments: number | null;
}

/** Null where no type has a value: nobody knows where a type ends by its scores. */
export function macroCutOff(types: readonly CutOffSituations[]): SystemCutOff | null {
  if (types.length === 0) return null;
  return {
    whole: means(types.map(({ whole }) => whole)),
    small: means(types.map(({ small }) => small)),
    mostly: means(types.map(({ mostly }) => mostly)),
    absentDocuments: median(types.flatMap(({ absent }) => absent?.documents ?? [])),
  };
}

function means(types: readonly (CutOffMeasures | null)[]): CutOffMeans | null {
  const measured = types.filter((each) => each !== null);
  if (measured.length === 0) return null;
  const mean = (value: (measures: CutOffMeasures) => number) => macroMean(measured.map(value)) as number;
  return {
    types: measured.length,
    precision: mean(({ precision }) => precision),
    recall: mean(({ recall }) => recall),
    f1: mean(({ f1 }) => f1),
    bestF1: mean(({ bestF1 }) => bestF1),
    fixedF1: mean(({ fixedF1 }) => fixedF1),
    countRatio: median(measured.map(({ countRatio }) => countRatio)) as number,
  };
}

/** Of an even number of values the mean of the two in the middle; null of none. */
function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((one, other) => one - other);
  const half = sorted.length / 2;
  return macroMean(sorted.slice(Math.ceil(half) - 1, Math.floor(half) + 1));
}
