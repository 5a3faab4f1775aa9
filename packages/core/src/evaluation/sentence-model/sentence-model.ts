import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Encoding, Tokenizer } from 'tokenizers';
import { NerRetrieverError } from '../../errors.js';
import type { Matrix } from '../../matrix.js';
import { isBatchDependent } from '../../model/is-batch-dependent.js';
import { openOnnx } from '../../model/open-onnx.js';
import { ProjectionHead } from '../../projection/projection-head.js';
import { normaliseRows } from '../normalise-rows.js';
import type { SentencePooling, SentenceTokens } from './pool-sentences.js';
import { sentenceFingerprint } from './sentence-fingerprint.js';
import type { SentenceSession } from './sentence-session.js';
import { readSentenceSettings, type SentenceSettings } from './sentence-settings.js';

/** Padded tokens that run at once: more do not run faster on a CPU, and hold the thread longer. */
const batchTokens = 1024;

/**
 * A sentence model as sentence-transformers keeps it, with an ONNX graph: one vector a text, the dense baseline that a vector a
 * mention is measured against.
 *
 *     const model = await SentenceModel.open('e5-small');
 *     const vectors = await model.embed(['dinosaur'], 'query');   // L2-normalised
 */
export class SentenceModel {
  readonly name: string;
  /** Over the graph, its weights, the tokenizer, the head and the settings. */
  readonly fingerprint: string;
  readonly #settings: SentenceSettings;
  readonly #parts: SentenceParts;

  private constructor(name: string, fingerprint: string, settings: SentenceSettings, parts: SentenceParts) {
    this.name = name;
    this.fingerprint = fingerprint;
    this.#settings = settings;
    this.#parts = parts;
  }

  /**
   * @param directory `onnx/model.onnx` or `model.onnx`, config.json, tokenizer.json; 1_Pooling/config.json and
   *   config_sentence_transformers.json where the model has them
   * @throws NerRetrieverError MODEL_SOURCE_INCOMPLETE, MODEL_GRAPH_BROKEN, MODEL_GRAPH_REFUSED, MODEL_INPUT_UNKNOWN, MODEL_INVALID …
   */
  static async open(directory: string): Promise<SentenceModel> {
    const settings = await readSentenceSettings(directory);
    return SentenceModel.of(basename(settings.directory), settings);
  }

  /** A model whose settings are known. */
  static async of(name: string, settings: SentenceSettings): Promise<SentenceModel> {
    const { graph } = openOnnx(settings.graph);
    const tokenizer = await openTokenizer(settings);
    const head = settings.head === null ? null : await ProjectionHead.load(settings.head);
    const fingerprint = await sentenceFingerprint(settings);
    // ONNX Runtime is heavy, and few evaluations need it in this thread.
    const { SentenceSession } = await import('./sentence-session.js');
    const session = await SentenceSession.open(settings);
    const parts = { tokenizer, session, head, batchDependent: isBatchDependent(graph.nodes) };
    return new SentenceModel(name, fingerprint, settings, parts);
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
    const { tokenizer, session, head } = this.#parts;
    const encodings = await tokenizer.encodeBatch(
      texts.map((text) => prompt + text),
      { addSpecialTokens: true },
    );
    const tokens = encodings.map((encoding) => this.#tokensOf(encoding));
    // Texts of like length together: less padding.
    const length = (place: number) => tokens[place]?.ids.length ?? 0;
    const order = [...tokens.keys()].sort((one, other) => length(one) - length(other));
    let data = new Float32Array(0);
    let columns = 0;
    for (let first = 0; first < order.length; ) {
      options.signal?.throwIfAborted();
      const places = order.slice(first, first + this.#batchSize(order, length, first));
      const vectors = await session.run(places.map((place) => tokens[place] as SentenceTokens));
      columns = vectors.length / places.length;
      if (data.length === 0) data = new Float32Array(texts.length * columns);
      for (const [row, place] of places.entries()) {
        data.set(vectors.subarray(row * columns, (row + 1) * columns), place * columns);
      }
      first += places.length;
      await setImmediate(); // A run blocks the thread: let signals and progress through between two.
    }
    const pooled = { rows: texts.length, columns, data };
    return head === null ? normaliseRows(pooled) : head.project(pooled);
  }

  async close(): Promise<void> {
    await this.#parts.session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #tokensOf(encoding: Encoding): SentenceTokens {
    const ids = encoding.getIds();
    const whole = { ids, begin: 0, end: Math.max(1, ids.length) };
    if (!this.#settings.ownTokensOnly) return whole;
    const special = encoding.getSpecialTokensMask();
    const begin = special.indexOf(0);
    // A text without tokens of its own is its special tokens.
    return begin < 0 ? whole : { ids, begin, end: special.lastIndexOf(0) + 1 };
  }

  /** How many texts from `first` run at once; lengths rise along `order`. */
  #batchSize(order: readonly number[], length: (place: number) => number, first: number): number {
    if (this.#parts.batchDependent) return 1;
    let count = 1;
    while (first + count < order.length && (count + 1) * length(order[first + count] as number) <= batchTokens)
      count += 1;
    return count;
  }
}

interface SentenceParts {
  readonly tokenizer: Tokenizer;
  readonly session: SentenceSession;
  readonly head: ProjectionHead | null;
  readonly batchDependent: boolean;
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
