import { setMaxListeners } from 'node:events';
import { checkOption, checkOptions } from '../check-options.js';
import { NerRetrieverError } from '../errors.js';
import type { Mention, Span } from '../mentions/mention.js';
import type { DetectorOptions, MentionDetector } from '../mentions/mention-detector.js';
import { type Alignment, alignMarks, type MarkFailure } from './align-marks.js';
import type { ChatMessage, ChatModel } from './chat-model.js';
import { extractionPrompt, reminder } from './extraction-prompt.js';
import { type Passage, passagesOf } from './passages.js';
import { Slots } from './slots.js';

export interface GenerativeDetectorOptions {
  /** What copies and marks; `openChatEndpoint` and `openTransformersChat` open one. Closed with the detector. */
  readonly chat: ChatModel;
  /** Messages before the text. Default: the task with examples; a model that was trained to mark texts takes its own. */
  readonly prompt?: readonly ChatMessage[];
  /** Answers that are asked for at most for a passage, until one is well formed. Default: 3. */
  readonly attempts?: number;
  /** Told of every passage of which no answer was well formed; the good marks of the best one count all the same. */
  readonly onMalformed?: (malformed: MalformedGeneration) => void;
}

/** A passage that the model did not copy, or not with marks in pairs, however often it was asked. */
export interface MalformedGeneration {
  /** The passage, and where it begins in its text. */
  readonly text: string;
  readonly start: number;
  /** The best answer. */
  readonly generation: string;
  /** Its marks that name no mention. */
  readonly failures: readonly MarkFailure[];
  /** Whether it holds a copy of the whole passage. */
  readonly copied: boolean;
  /** Its marks that do name mentions; places in the text that they were found in. */
  readonly found: number;
  readonly attempts: number;
}

/**
 * The paper's extractor: a chat model copies each passage of a text with ##marks## round the mentions, and the marks are aligned back
 * to the text (see `alignMarks`).
 *
 * A mention counts wherever its passage holds it again. An answer that is not a copy, or whose marks are not in order, is asked for
 * again with a reminder.
 */
export function openGenerativeDetector(options: GenerativeDetectorOptions): MentionDetector {
  checkOptions('openGenerativeDetector', options, ['chat', 'prompt', 'attempts', 'onMalformed']);
  const { chat, prompt, attempts = 3, onMalformed } = options;
  checkOption(typeof chat?.answer === 'function', 'chat', 'a ChatModel', chat);
  checkOption(prompt === undefined || Array.isArray(prompt), 'prompt', 'an array of messages', prompt);
  const counts = Number.isSafeInteger(attempts) && attempts >= 1;
  checkOption(counts, 'attempts', 'a whole number of at least 1', attempts);
  const tells = onMalformed === undefined || typeof onMalformed === 'function';
  checkOption(tells, 'onMalformed', 'a function', onMalformed);
  return new GenerativeDetector(options, attempts);
}

class GenerativeDetector implements MentionDetector {
  readonly name: string;
  readonly #options: GenerativeDetectorOptions;
  readonly #attempts: number;
  readonly #slots: Slots;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(options: GenerativeDetectorOptions, attempts: number) {
    this.name = `generative (${options.chat.name})`;
    this.#options = options;
    this.#attempts = attempts;
    this.#slots = new Slots(options.chat.concurrency);
  }

  async detect(texts: readonly string[], { signal }: DetectorOptions = {}): Promise<Mention[][]> {
    if (this.#closing) throw new NerRetrieverError('CLOSED', { what: `The detector "${this.name}"` });
    const detected = this.#detectAll(texts, signal);
    this.#running.add(detected);
    try {
      return await detected;
    } finally {
      this.#running.delete(detected);
    }
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled(this.#running);
      await this.#options.chat.close();
    })();
    return this.#closing;
  }

  async #detectAll(texts: readonly string[], signal: AbortSignal | undefined): Promise<Mention[][]> {
    // One passage that fails takes the others of its call with it.
    const call = new AbortController();
    const together = signal ? AbortSignal.any([signal, call.signal]) : call.signal;
    // One listener a request under way.
    setMaxListeners(0, together);
    const spansOf = (passage: Passage) =>
      this.#slots.run(() =>
        this.#spansOf(passage, together).catch((error: unknown) => {
          call.abort(error);
          throw error;
        }),
      );
    const work = texts.map(async (text) => {
      const spans = await Promise.all(passagesOf(text).map(spansOf));
      return spans.flat().map(({ start, end }): Mention => ({ start, end, text: text.slice(start, end) }));
    });
    try {
      return await Promise.all(work);
    } finally {
      await Promise.allSettled(work);
    }
  }

  /** The mentions of a passage, at their places in the whole text. */
  async #spansOf(passage: Passage, signal: AbortSignal): Promise<Span[]> {
    const { chat, prompt = extractionPrompt, onMalformed } = this.#options;
    const question: ChatMessage[] = [...prompt, { role: 'user', content: passage.text }];
    let messages = question;
    let best: { generation: string; alignment: Alignment } | undefined;
    for (let attempt = 0; attempt < this.#attempts; attempt++) {
      signal.throwIfAborted();
      const generation = await chat.answer(messages, { temperature: attempt === 0 ? 0 : retryTemperature, signal });
      const alignment = alignMarks(passage.text, generation);
      if (isWellFormed(alignment)) return placed(passage, alignment);
      if (best === undefined || isBetter(alignment, best.alignment)) best = { generation, alignment };
      messages = [...question, { role: 'assistant', content: generation }, { role: 'user', content: reminder }];
    }
    const { generation, alignment } = best as { generation: string; alignment: Alignment };
    onMalformed?.({
      text: passage.text,
      start: passage.start,
      generation,
      failures: alignment.failures,
      copied: alignment.copied,
      found: alignment.spans.length,
      attempts: this.#attempts,
    });
    return placed(passage, alignment);
  }
}

/** Enough for another answer, not so much that the copy suffers. */
const retryTemperature = 0.4;

function isWellFormed({ failures, copied }: Alignment): boolean {
  return copied && failures.length === 0;
}

function isBetter(one: Alignment, other: Alignment): boolean {
  if (one.copied !== other.copied) return one.copied;
  if (one.spans.length !== other.spans.length) return one.spans.length > other.spans.length;
  return one.failures.length < other.failures.length;
}

function placed({ start: offset }: Passage, { spans }: Alignment): Span[] {
  return spans.map(({ start, end }) => ({ start: offset + start, end: offset + end }));
}
