import type { CutOffConstants } from '../model/cut-off-constants.js';
import { type CutOff, estimateCutOff } from '../search/cut-off/estimate-cut-off.js';
import { type CutOffMeasures, measureCutOff } from './cut-off-measures.js';
import { randomNumbers } from './random-numbers.js';
import type { ScoredDocuments } from './ranking.js';

/** The corpora that an estimate must be good for, made of one ranking; null where the data set has too few documents for one. */
export interface CutOffSituations {
  /** The data set as it is. */
  readonly whole: CutOffMeasures;
  /** 100 of its documents, 10 of them of the type. */
  readonly small: CutOffMeasures | null;
  /** The type's documents, and a quarter as many others. */
  readonly mostly: CutOffMeasures | null;
  /** All documents but the type's: every one above the estimate is wrong. */
  readonly absent: CutOff | null;
}

/** @param relevant at least one document */
export function measureSituations(
  ranking: ScoredDocuments,
  relevant: ReadonlySet<number>,
  constants: CutOffConstants,
): CutOffSituations {
  const right = ranking.documents.filter((document) => relevant.has(document));
  const wrong = ranking.documents.filter((document) => !relevant.has(document));
  // The same in every run, and another for another type.
  const random = randomNumbers(relevant.size);
  const mixed = (rightOnes: number, wrongOnes: number) => {
    if (right.length < rightOnes || wrong.length < wrongOnes || rightOnes * wrongOnes === 0) return null;
    const chosen = new Set(sample(right, rightOnes, random));
    return measureCutOff(only(ranking, new Set([...chosen, ...sample(wrong, wrongOnes, random)])), chosen, constants);
  };
  return {
    whole: measureCutOff(ranking, relevant, constants),
    small: mixed(10, 90),
    mostly: mixed(right.length, Math.floor(right.length / 4)),
    absent: wrong.length === 0 ? null : estimateCutOff(only(ranking, new Set(wrong)).scores, constants),
  };
}

function only({ documents, scores }: ScoredDocuments, kept: ReadonlySet<number>): ScoredDocuments {
  const places = [...documents.keys()].filter((place) => kept.has(documents[place] as number));
  return {
    documents: places.map((place) => documents[place] as number),
    scores: Float32Array.from(places, (place) => scores[place] as number),
  };
}

/** The first steps of a shuffle. */
function sample(from: readonly number[], size: number, random: () => number): number[] {
  const shuffled = [...from];
  for (let place = 0; place < size; place += 1) {
    const other = place + Math.floor(random() * (shuffled.length - place));
    [shuffled[place], shuffled[other]] = [shuffled[other] as number, shuffled[place] as number];
  }
  return shuffled.slice(0, size);
}
