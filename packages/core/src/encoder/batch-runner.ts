import type { ModelDescription } from '../model/model-description.js';
import { cutBatches } from './batches.js';
import type { EncodedWindow } from './encoded-window.js';
import type { EncoderOutput, EncoderSession, WantedOutputs } from './encoder-session.js';
import { packWindows, type WaitingWindow } from './pack-windows.js';
import type { TextTokenizer } from './text-tokenizer.js';
import type { TokenTable } from './token-table.js';

/** Tokens a batch, padding counted: large enough for full matrix tiles, small enough for the activations to stay in the cache. */
export const BATCH_TOKENS = 1024;

/** Values of a batch's tap, at most: the taps of a whole model side by side are wide. */
const BATCH_VALUES = 2 ** 24;

/** Windows that ran together. */
export interface EncodedBatch {
  /** Their places among all windows of the run. */
  readonly indices: readonly number[];
  readonly encoded: readonly EncodedWindow[];
}

/** Runs windows in batches of near lengths. */
export class BatchRunner {
  readonly #tokenizer: TextTokenizer;
  readonly #session: EncoderSession;
  readonly #paddingId: number;
  /** Tokens a batch; 1 where a vector would depend on its neighbours: then each window runs alone. */
  readonly #budget: number;

  constructor(tokenizer: TextTokenizer, session: EncoderSession, { padding, encoder, tap }: ModelDescription) {
    this.#tokenizer = tokenizer;
    this.#session = session;
    this.#paddingId = padding.id;
    this.#budget = encoder.batchDependent ? 1 : Math.min(BATCH_TOKENS, Math.ceil(BATCH_VALUES / tap.dimensions));
  }

  /**
   * Runs the windows, batch after batch, each handed over as it is done: `encoded[i]` is the window `windows[indices[i]]`, and its rows
   * are there until the next batch. `checkpoint` may throw to stop between two batches.
   */
  async *run(
    windows: readonly WaitingWindow[],
    tokens: TokenTable,
    wanted: WantedOutputs,
    checkpoint: () => void,
  ): AsyncGenerator<EncodedBatch> {
    const { prefix, specialTokens } = this.#tokenizer;
    const lengths = windows.map(({ range }) => range.end - range.begin + specialTokens);
    for (const indices of cutBatches(lengths, this.#budget)) {
      checkpoint();
      const batch = indices.map((index) => windows[index] as WaitingWindow);
      const longest = lengths[indices.at(-1) as number] as number;
      const output = await this.#runBatch(batch, longest, tokens, wanted);
      const encoded = batch.map(({ range }, i) => ({ range, output, row: i * longest + prefix.length }));
      yield { indices, encoded };
    }
  }

  #runBatch(
    windows: readonly WaitingWindow[],
    length: number,
    tokens: TokenTable,
    wanted: WantedOutputs,
  ): Promise<EncoderOutput> {
    const { ids, mask } = packWindows(windows, length, tokens, this.#tokenizer, this.#paddingId);
    return this.#session.run({ texts: windows.length, tokens: length, ids, mask }, wanted);
  }
}
