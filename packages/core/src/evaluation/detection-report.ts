/** How well detected mentions agree with a corpus's own, whatever their types. Null where there is nothing to divide by. */
export interface DetectionFigures {
  readonly mentions: { readonly gold: number; readonly detected: number };
  /**
   * Share of gold mentions that some detected one of the same document matches but for its edges (see `fuzzyMatch`). One detected
   * mention may match several: `meanWords.ratio` tells whether it does so by being long.
   */
  readonly fuzzyRecall: number | null;
  /** Mentions with the same start and end. */
  readonly exact: { readonly precision: number | null; readonly recall: number | null; readonly f1: number | null };
  /** Mean length of a mention in words (white space parts them), and detected over gold. */
  readonly meanWords: { readonly gold: number | null; readonly detected: number | null; readonly ratio: number | null };
}

export interface DetectionReport extends DetectionFigures {
  readonly dataset: string;
  readonly documents: number;
  /** What found the mentions, by its own name: "gazetteer (names.txt)", or the model's name and version. */
  readonly detector: string;
  /** Least confidence that was asked for, 0 to 1: with the model's own detector that of a word in a mention. Null: the detector's own. */
  readonly threshold: number | null;
  /** The model whose own detector was measured; null where it was another detector. */
  readonly model: { readonly name: string; readonly version: string; readonly fingerprint: string } | null;
  readonly elapsedMs: number;
}
