import type { NerRetrieverError } from '../../errors.js';
import type { SkippedMention } from '../../mentions/mention.js';
import type { RawRecord, Source } from '../../text/document.js';

/** How far a run of adding is. */
export interface AddProgress {
  /** Documents of this run that are durable in the index, `replaced` among them. */
  readonly documents: number;
  /** Of `documents`: those that took the place of other content under the same id. */
  readonly replaced: number;
  /** Documents that the index held already, word for word. */
  readonly unchanged: number;
  readonly refused: number;
  /** Mentions of `documents` that have a vector. */
  readonly mentions: number;
  /** Mentions of `documents` that cannot be used. */
  readonly skippedMentions: number;
  /** Tokens of `documents`. */
  readonly tokens: number;
  /** How far the reading was when this was committed, as the records say it. */
  readonly bytes: number;
  readonly elapsedMs: number;
}

/** A record that did not go in, and why. */
export interface Refusal {
  readonly source: Source;
  readonly error: NerRetrieverError;
}

/** A refusal as it happens, with the record itself, so that it can be corrected and added again. */
export interface RefusedRecord extends Refusal {
  /** Null where there is no record, or one that is too large to be held; documents that come without a file have none. */
  readonly raw: RawRecord | null;
}

/** A mention of a document that went in which cannot be used, and why. */
export interface SkippedInDocument extends SkippedMention {
  readonly source: Source;
  /** The document's id. */
  readonly id: string;
}

/** What a run of adding did. */
export interface AddSummary extends AddProgress {
  /** The first 100; `refused` counts all. */
  readonly refusals: readonly Refusal[];
  /** The first 100; `skippedMentions` counts all. */
  readonly skipped: readonly SkippedInDocument[];
}
