import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Tokenizer } from 'tokenizers';
import { NerRetrieverError } from '../../errors.js';
import type { Matrix } from '../../matrix.js';
import { isBatchDependent } from '../../model/is-batch-dependent.js';
import { openOnnx } from '../../model/open-onnx.js';
import { normaliseRows } from '../normalise-rows.js';
import type { SentencePooling } from './pool-sentences.js';
import { sentenceFingerprint } from './sentence-fingerprint.js';
import type { SentenceSession } from './sentence-session.js';
import { readSentenceSettings, type SentenceSettings } from './sentence-settings.js';

/** Padded tokens that run at once. */
const batchTokens = 8192;

/**
 * A sentence model as sentence-transformers keeps it, with an ONNX graph: one vector a text, the dense baseline that a vector a
 * mention is measured against.
 *
 *     const model = await SentenceModel.open('e5-small');
 *     const vectors = await model.embed(['dinosaur'], 'query');   // L2-normalised
 */
export class SentenceModel {
  readonly name: string;
  /** Over the graph, its weights, the tokenizer and the settings. */
  readonly fingerprint: string;
  readonly #settings: SentenceSettings;
  readonly #tokenizer: Tokenizer;
  readonly #session: SentenceSession;
  readonly #batchDependent: boolean;

  private constructor(
    settings: SentenceSettings,
    fingerprint: string,
    tokenizer: Tokenizer,
    session: SentenceSession,
    batchDependent: boolean,
  ) {
    this.name = basename(settings.directory);
    this.fingerprint = fingerprint;
    this.#settings = settings;
    this.#tokenizer = tokenizer;
    this.#session = session;
    this.#batchDependent = batchDependent;
  }

  /**
   * @param directory `onnx/model.onnx` or `model.onnx`, config.json, tokenizer.json; 1_Pooling/config.json and
   *   config_sentence_transformers.json where the model has them
   * @throws NerRetrieverError MODEL_SOURCE_INCOMPLETE, MODEL_GRAPH_BROKEN, MODEL_GRAPH_REFUSED, MODEL_INPUT_UNKNOWN, MODEL_INVALID …
   */
  static async open(directory: string): Promise<SentenceModel> {
    const settings = await readSentenceSettings(directory);
    const { graph } = openOnnx(settings.graph);
    const tokenizer = await openTokenizer(settings);
    const fingerprint = await sentenceFingerprint(settings);
    // ONNX Runtime and the tokenizer are heavy, and few evaluations need them here.
    const { SentenceSession } = await import('./sentence-session.js');
    const session = await SentenceSession.open(settings);
    return new SentenceModel(settings, fingerprint, tokenizer, session, isBatchDependent(graph.nodes));
  }

  get pooling(): SentencePooling {
    return this.#settings.pooling;
  }

  /** One L2-normalised row a text, in order; the prompt for its kind is written before each. */
  async embed(
    texts: readonly string[],
    kind: 'query' | 'document',
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Matrix> {
    const prompt = this.#settings.prompts[kind];
    const encodings = await this.#tokenizer.encodeBatch(
      texts.map((text) => prompt + text),
      { addSpecialTokens: true },
    );
    const ids = encodings.map((encoding) => encoding.getIds());
    // Texts of like length together: less padding.
    const order = [...ids.keys()].sort((one, other) => (ids[one]?.length ?? 0) - (ids[other]?.length ?? 0));
    let data = new Float32Array(0);
    let columns = 0;
    for (let first = 0; first < order.length; ) {
      options.signal?.throwIfAborted();
      const places = order.slice(first, first + this.#batchSize(order, ids, first));
      const vectors = await this.#session.run(places.map((place) => ids[place] as number[]));
      columns = vectors.length / places.length;
      if (data.length === 0) data = new Float32Array(texts.length * columns);
      for (const [row, place] of places.entries()) {
        data.set(vectors.subarray(row * columns, (row + 1) * columns), place * columns);
      }
      first += places.length;
      await setImmediate(); // A run blocks the thread: let signals and progress through between two.
    }
    return normaliseRows({ rows: texts.length, columns, data });
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  /** How many texts from `first` run at once; lengths rise along `order`. */
  #batchSize(order: readonly number[], ids: readonly (readonly number[])[], first: number): number {
    if (this.#batchDependent) return 1;
    let count = 1;
    const length = (place: number) => ids[order[place] as number]?.length ?? 0;
    while (first + count < order.length && (count + 1) * length(first + count) <= batchTokens) count += 1;
    return count;
  }
}

async function openTokenizer({ directory, tokenizer: path, maximumTokens }: SentenceSettings): Promise<Tokenizer> {
  const { Tokenizer } = await import('tokenizers');
  try {
    const tokenizer = Tokenizer.fromFile(path);
    tokenizer.disablePadding();
    tokenizer.setTruncation(maximumTokens);
    return tokenizer;
  } catch (cause) {
    const received = (cause as Error).message;
    const details = { directory, field: 'the tokenizer', expected: 'a tokenizer.json', received };
    throw new NerRetrieverError('MODEL_INVALID', details, { cause });
  }
}
