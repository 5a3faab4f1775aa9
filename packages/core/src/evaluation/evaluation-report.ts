import type { CutOffSituations } from './cut-off-situations.js';
import type { SystemCutOff } from './macro-cut-off.js';
import type { RankingMeasures } from './ranking-measures.js';

/**
 * What is measured: the retriever, its tap without the head, BM25 over the same documents, both fused by reciprocal rank, and one
 * vector a document: by the model's own sentence head, where it has one, and by another sentence model.
 */
export type SystemName = 'retriever' | 'tap-without-head' | 'bm25' | 'hybrid' | 'own-sentence' | 'sentence';

export interface TypeResult {
  /** As the corpus writes it. */
  readonly type: string;
  /** What was searched for. */
  readonly query: string;
  readonly other: boolean;
  /** Documents that mention an entity of the type: R. */
  readonly relevant: number;
  /** Null where there are no relevant documents. */
  readonly rPrecision: Readonly<Partial<Record<SystemName, number | null>>>;
  /** Null where there are no relevant documents. */
  readonly measures: Readonly<Partial<Record<SystemName, RankingMeasures | null>>>;
  /** The estimated cut-off, of the retriever where its model has constants for it; none where there are no relevant documents. */
  readonly cutOff: Readonly<Partial<Record<SystemName, CutOffSituations>>>;
}

export interface SystemResult {
  readonly system: SystemName;
  /** Macro mean of R-Precision over the types that are not "other". */
  readonly macro: number | null;
  /** The same over the "other" types. */
  readonly macroOther: number | null;
  /** Macro means of the other measures over the types that are not "other". */
  readonly measures: RankingMeasures | null;
  /** The same over the "other" types. */
  readonly measuresOther: RankingMeasures | null;
  /** The estimated cut-off over the types that are not "other"; null of all systems but the retriever, and of that where the model has no constants for it. */
  readonly cutOff: SystemCutOff | null;
}

export interface EvaluationReport {
  readonly dataset: string;
  readonly documents: number;
  readonly mentions: {
    readonly from: 'given' | 'detect';
    /** What found them, where they were detected: the detector's name, or the model's with its version. */
    readonly detector?: string;
    /** Mentions that were embedded. */
    readonly embedded: number;
    /** Mentions that could not be used. */
    readonly skipped: number;
  };
  readonly model: { readonly name: string; readonly version: string; readonly fingerprint: string };
  /** The model of the system "sentence"; absent where there was none. */
  readonly sentenceModel?: { readonly name: string; readonly fingerprint: string; readonly pooling: string };
  /** The retriever first. */
  readonly systems: readonly SystemResult[];
  readonly types: readonly TypeResult[];
  readonly elapsedMs: number;
}
