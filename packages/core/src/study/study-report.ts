import type { TapKind } from '../model/blocks/tap.js';

/** Which of a mention's tokens make its vector. */
export const studyPoolings = ['last', 'first', 'mean', 'first+last'] as const;

export type StudyPooling = (typeof studyPoolings)[number];

/** What one representation knows of types. */
export interface StudyCell {
  readonly block: number;
  readonly tap: TapKind;
  readonly pooling: StudyPooling;
  readonly dimensions: number;
  /** Of the cosines of same-type pairs against those of different-type pairs; 0.5 is chance. Null without such pairs. */
  readonly auc: number | null;
  /** Macro R-Precision of the type descriptions, "other" types left out. */
  readonly rPrecision: number | null;
}

export interface StudyReport {
  readonly source: string;
  readonly dataset: string;
  /** That were read, of those of the data set. */
  readonly documents: number;
  readonly totalDocuments: number;
  readonly mentions: number;
  readonly types: number;
  /** Pairs of either kind. */
  readonly pairs: number;
  readonly seed: number;
  readonly cells: readonly StudyCell[];
  readonly elapsedMs: number;
}
