import type { NerRetrieverError, SkippedMention } from '@ner-retriever/core';
import { BoundedNotices } from './terminal/bounded-notices.js';
import type { Messages } from './terminal/messages.js';
import { sanitise } from './terminal/sanitise.js';

/** Names refused lines and skipped mentions as they come; the first ones of each, then how many more. */
export class Refusals {
  readonly #refused: BoundedNotices;
  readonly #skipped: BoundedNotices;

  constructor(messages: Messages) {
    this.#refused = new BoundedNotices((text) => messages.error(text));
    this.#skipped = new BoundedNotices((text) => messages.warn(text));
  }

  get refused(): number {
    return this.#refused.count;
  }

  get skipped(): number {
    return this.#skipped.count;
  }

  /** The message names file, line and remedy itself. */
  refuse(error: NerRetrieverError): void {
    this.#refused.add(sanitise(error.message));
  }

  skip(id: string, mention: SkippedMention): void {
    this.#skipped.add(
      `document "${sanitise(id)}": the mention ${mention.start}–${mention.end} was skipped (${reasons[mention.reason]})`,
    );
  }

  end(): void {
    this.#refused.end('refused lines');
    this.#skipped.end('skipped mentions');
  }
}

const reasons: Readonly<Record<SkippedMention['reason'], string>> = {
  empty: 'it is empty',
  'outside-text': 'it reaches outside the text',
  'splits-character': 'it splits a character',
  'no-token': 'it holds no token, only white space or characters that the tokenizer drops',
};
