import type { TextTokenizer } from '../encoder/text-tokenizer.js';
import type { GlinerConfig } from './gliner-config.js';
import { int64Feed } from './graph-inputs.js';
import type { Feed, FetchedTensor } from './session-messages.js';
import type { SessionPool } from './session-pool.js';
import type { WordRange } from './word-windows.js';

/** Some words of a text that run together. `words`: the ids of each word of the text. */
export interface WaitingWords {
  readonly words: readonly Int32Array[];
  readonly range: WordRange;
}

/** Feeds windows of words to the graph. */
export class GlinerRunner {
  readonly #tokenizer: TextTokenizer;
  readonly #config: GlinerConfig;
  readonly #prompt: Int32Array;
  readonly #pool: SessionPool;

  constructor(tokenizer: TextTokenizer, config: GlinerConfig, prompt: Int32Array, pool: SessionPool) {
    this.#tokenizer = tokenizer;
    this.#config = config;
    this.#prompt = prompt;
    this.#pool = pool;
  }

  /** Runs to ask for at once. */
  get lanes(): number {
    return this.#pool.lanes;
  }

  /** Tokens that a text's words may have in one window. */
  get capacity(): number {
    return this.#config.maximumTokens - this.#tokenizer.specialTokens - this.#prompt.length;
  }

  /** The ids of each word; of one that no window could hold only the first ones, since a word is read from its first token. */
  async wordsOf(words: readonly string[], signal?: AbortSignal): Promise<Int32Array[]> {
    const ids = await this.#tokenizer.tokenizeWords(words, () => signal?.throwIfAborted());
    return ids.map((own) => (own.length > this.capacity ? own.subarray(0, this.capacity) : own));
  }

  /** Tokens of a window, the prompt and special ones counted. */
  lengthOf({ words, range }: WaitingWords): number {
    let length = this.#tokenizer.specialTokens + this.#prompt.length;
    for (let word = range.begin; word < range.end; word++) length += (words[word] as Int32Array).length;
    return length;
  }

  run(windows: readonly WaitingWords[], signal?: AbortSignal): Promise<FetchedTensor> {
    const length = Math.max(...windows.map((window) => this.lengthOf(window)));
    const words = Math.max(...windows.map(({ range }) => range.end - range.begin));
    const { inputs } = this.#pool.signature;
    const feeds: Record<string, Feed> = {
      ...this.#tokenFeeds(windows, length),
      text_lengths: int64Feed(
        Int32Array.from(windows, ({ range }) => range.end - range.begin),
        [windows.length, 1],
      ),
    };
    if (inputs.span_idx !== undefined) Object.assign(feeds, this.#spanFeeds(windows, words));
    if (inputs.token_type_ids !== undefined) {
      feeds.token_type_ids = int64Feed(new Int32Array(windows.length * length), [windows.length, length]);
    }
    return this.#pool.run(feeds, 'logits', signal);
  }

  /** [windows, length] each: special tokens, prompt, words, special tokens, padding; a word's first token has its number, from 1. */
  #tokenFeeds(windows: readonly WaitingWords[], length: number): Record<string, Feed> {
    const { prefix, suffix } = this.#tokenizer;
    const ids = new Int32Array(windows.length * length).fill(this.#config.paddingId);
    const mask = new Int32Array(ids.length);
    const wordsMask = new Int32Array(ids.length);
    for (const [i, { words, range }] of windows.entries()) {
      let at = i * length;
      const put = (some: ArrayLike<number>) => {
        ids.set(some, at);
        mask.fill(1, at, at + some.length);
        at += some.length;
      };
      put(prefix);
      put(this.#prompt);
      for (let word = range.begin; word < range.end; word++) {
        const own = words[word] as Int32Array;
        if (own.length > 0) wordsMask[at] = word - range.begin + 1;
        put(own);
      }
      put(suffix);
    }
    const dims = [windows.length, length];
    return {
      input_ids: int64Feed(ids, dims),
      attention_mask: int64Feed(mask, dims),
      words_mask: int64Feed(wordsMask, dims),
    };
  }

  /** Every span of up to `maximumWidth` words, by its first word, then by its width; those that leave the text are masked. */
  #spanFeeds(windows: readonly WaitingWords[], words: number): Record<string, Feed> {
    const width = this.#config.maximumWidth;
    const spans = new Int32Array(windows.length * words * width * 2);
    const mask = new Uint8Array(windows.length * words * width);
    for (const [i, { range }] of windows.entries()) {
      const count = range.end - range.begin;
      for (let first = 0; first < count; first++) {
        for (let more = 0; more < width && first + more < count; more++) {
          const at = (i * words + first) * width + more;
          spans[2 * at] = first;
          spans[2 * at + 1] = first + more;
          mask[at] = 1;
        }
      }
    }
    return {
      span_idx: int64Feed(spans, [windows.length, words * width, 2]),
      span_mask: { type: 'bool', data: mask, dims: [windows.length, words * width] },
    };
  }
}
