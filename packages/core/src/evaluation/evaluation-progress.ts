export interface EvaluationProgress {
  readonly documents: number;
  readonly totalDocuments: number;
  readonly mentions: number;
  /** Absent where nothing is known of tokens. */
  readonly tokens?: number;
  readonly elapsedMs: number;
}
