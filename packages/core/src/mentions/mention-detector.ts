import type { Mention } from './mention.js';

export interface DetectorOptions {
  readonly signal?: AbortSignal;
  /** Least confidence of a mention, 0 to 1; detectors that give no scores take no notice. Default: the detector's own. */
  readonly threshold?: number;
}

/** Finds the mentions of texts, whatever their types: the bundled model's own detector, and every other in `detection/`. */
export interface MentionDetector {
  /** What reports call it: "gazetteer (names.txt)". */
  readonly name: string;
  /** Tells what it finds apart from what others of its name find: the names of a gazetteer, the labels of a GLiNER. An index compares it. */
  readonly fingerprint?: string;
  /** The mentions of each text, in the texts' order; within a text by start, then longest first. */
  detect(texts: readonly string[], options?: DetectorOptions): Promise<Mention[][]>;
  /** Lets the calls in flight finish, then frees what the detector holds. */
  close(): Promise<void>;
}

/** What tells an index whether a document was read with the same detector; null: the model's own. */
export function detectorIdentity(detector: MentionDetector | null): string | null {
  return detector && [detector.name, detector.fingerprint ?? ''].join('\n');
}
