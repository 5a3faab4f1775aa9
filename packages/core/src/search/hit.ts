import type { Mention } from '../mentions/mention.js';
import type { Document } from '../text/document.js';

/** A document that mentions an entity of the type, with the mention that is the evidence. */
export interface Hit {
  /** The document's id. */
  readonly id: string;
  /**
   * Cosine similarity of the mention and the type description, -1 to 1. Of a hybrid search: the document's two places (from 1) in the
   * rankings by vectors and by words, as the sum of 1 / (60 + place), at most 2 / 61.
   */
  readonly score: number;
  readonly mention: Mention;
  /** With the option `evidence`: the document's best mentions by vectors, best first, `mention` among them. */
  readonly mentions?: readonly EvidenceMention[];
  readonly document: Document;
}

export interface EvidenceMention extends Mention {
  /** Cosine similarity of the mention and the type description (of a hybrid search: and what it has learnt); `score` is the detector's. */
  readonly similarity: number;
}
