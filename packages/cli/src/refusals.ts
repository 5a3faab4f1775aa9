import type { NerRetrieverError, SkippedMention, Source } from '@ner-retriever/core';
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

  skip(source: Source, id: string, mention: SkippedMention): void {
    this.#skipped.add(
      `${sanitise(source.file)}:${source.line}: the mention ${mention.start}–${mention.end} of "${sanitise(id)}" was skipped: ${reasons[mention.reason]}`,
    );
  }

  end(): void {
    this.#refused.end('refused lines');
    this.#skipped.end('skipped mentions');
  }
}

const reasons: Readonly<Record<SkippedMention['reason'], string>> = {
  empty: 'it is empty. Its end must lie behind its start.',
  'outside-text': "it reaches outside the text. Correct it, or say --offsets code-points if the offsets are Python's.",
  'splits-character': "it splits a character. Correct it, or say --offsets code-points if the offsets are Python's.",
  'no-token': 'it holds only white space or characters that the tokenizer drops. Correct it or leave it out.',
};
