import type { Span } from '../mentions/mention.js';

/** An entity type of a labelled corpus. */
export interface LabelledType {
  /** As the corpus writes it: "HumanSettlement". */
  readonly type: string;
  /** The readable name that is searched for: "Human Settlement". */
  readonly query: string;
  /** A bin for what fits nowhere else ("Person - Other"): measured apart, because its name describes nothing. */
  readonly other: boolean;
}

export interface LabelledMention extends Span {
  /** The types of its entity; one is enough to make the document relevant to a type. */
  readonly types: readonly string[];
}

export interface LabelledDocument {
  /** Unique in its corpus. */
  readonly id: string;
  readonly text: string;
  readonly mentions: readonly LabelledMention[];
}

/** Documents whose mentions are known with their types, for measuring a retriever. */
export interface LabelledCorpus {
  readonly name: string;
  readonly types: readonly LabelledType[];
  readonly documents: readonly LabelledDocument[];
}
