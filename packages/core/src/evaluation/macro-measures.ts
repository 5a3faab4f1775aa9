import { macroMean } from './macro-mean.js';
import { cutoffs, type RankingMeasures } from './ranking-measures.js';

/** Macro means of every measure: each type counts the same, types without a value do not count. Null when none has one. */
export function macroMeasures(types: readonly (RankingMeasures | null)[]): RankingMeasures | null {
  const measured = types.filter((each) => each !== null);
  if (measured.length === 0) return null;
  const mean = (value: (measures: RankingMeasures) => number | undefined) =>
    macroMean(measured.map((each) => value(each) ?? null)) as number;
  return {
    averagePrecision: mean(({ averagePrecision }) => averagePrecision),
    precisionAt: Object.fromEntries(cutoffs.map((k) => [k, mean(({ precisionAt }) => precisionAt[k])])),
    recallAt: Object.fromEntries(cutoffs.map((k) => [k, mean(({ recallAt }) => recallAt[k])])),
    precisionAtRecall: Array.from({ length: 11 }, (_, tenths) =>
      mean(({ precisionAtRecall }) => precisionAtRecall[tenths]),
    ),
  };
}
