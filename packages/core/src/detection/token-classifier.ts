import { basename } from 'node:path';
import { checkOption, checkOptions } from '../check-options.js';
import { BATCH_TOKENS } from '../encoder/batch-runner.js';
import { cutBatches } from '../encoder/batches.js';
import { packWindows, type WaitingWindow } from '../encoder/pack-windows.js';
import type { TextTokenizer } from '../encoder/text-tokenizer.js';
import type { TokenTable } from '../encoder/token-table.js';
import { type TokenRange, Windows } from '../encoder/windows.js';
import { detectedRange } from '../mentions/detected-range.js';
import type { Mention } from '../mentions/mention.js';
import type { MentionDetector } from '../mentions/mention-detector.js';
import { type Aggregation, aggregateTokens, aggregations } from './aggregate-tokens.js';
import { type DetectorFolder, type Json, openDetectorFolder } from './detector-folder.js';
import { checkSignature } from './graph-inputs.js';
import { inLanes } from './in-lanes.js';
import { type LabelTag, labelTags } from './label-tags.js';
import { maximumTokens } from './maximum-tokens.js';
import { readLabels } from './read-labels.js';
import { sameInBatch } from './same-in-batch.js';
import { checkSignal, checkThreshold, checkWorkers, SessionDetector } from './session-detector.js';
import type { Feed, FetchedTensor } from './session-messages.js';
import { SessionPool } from './session-pool.js';
import { softmaxRows } from './softmax-rows.js';
import { checkVocabulary } from './vocabulary.js';

export interface TokenClassifierOptions {
  /**
   * How the labels of a word's tokens become the word's, as in transformers' pipeline. Default: `'first'`, the word's first token,
   * which is the one that most models are trained to label.
   */
  readonly aggregation?: Aggregation;
  /** Least score of a mention, 0 to 1, where a call gives none. Default: 0, every mention that the model labels. */
  readonly threshold?: number;
  /** Sessions at once. Default: one a core, or one in all for a model whose copies would fill half the memory. */
  readonly workers?: number;
  readonly signal?: AbortSignal;
}

/** Where a model sets no limit of its own: what nearly all were trained with. */
const USUAL_TOKENS = 512;

const INPUTS = { input_ids: 'int64', attention_mask: 'int64', token_type_ids: 'int64' } as const;

/**
 * A detector from any token-classification model: a folder with `onnx/model.onnx` or `model.onnx`, config.json (with `id2label`) and
 * tokenizer.json. What it labels is a mention, whatever the type; long texts are read in overlapping windows.
 *
 * @throws NerRetrieverError DETECTOR_MODEL_INVALID, MODEL_PATH_OUTSIDE, OPTION_….
 */
export async function openTokenClassifier(
  directory: string,
  options: TokenClassifierOptions = {},
): Promise<MentionDetector> {
  checkOption(typeof directory === 'string', 'the detector', 'the path of a model folder', directory);
  checkOptions('openTokenClassifier', options, ['aggregation', 'threshold', 'workers', 'signal']);
  const { aggregation = 'first', threshold = 0, workers, signal } = options;
  checkOption(aggregations.includes(aggregation), 'aggregation', `one of ${aggregations.join(', ')}`, aggregation);
  checkThreshold(threshold);
  checkWorkers(workers);
  checkSignal(signal);

  const folder = await openDetectorFolder(directory);
  const config = await folder.json('config.json');
  const tags = labelTags(readLabels(config, folder.fault));
  const tokenizer = await folder.tokenizer();
  const limit = maximumTokens(config, await folder.optionalJson('tokenizer_config.json'));
  const capacity = (limit === Number.POSITIVE_INFINITY ? USUAL_TOKENS : limit) - tokenizer.specialTokens;
  if (capacity < 1) {
    const expected = `room for more than the ${tokenizer.specialTokens} special tokens`;
    throw folder.fault('max_position_embeddings', expected, String(limit), 'Correct config.json.');
  }
  const pool = await SessionPool.open(folder, workers, signal);
  try {
    const classifier = new TokenClassifier(folder, config, tokenizer, pool, { tags, aggregation, capacity });
    await classifier.probe();
    return new SessionDetector(
      `token classifier (${basename(folder.directory)})`,
      { aggregation },
      pool,
      threshold,
      (...call) => classifier.read(...call),
    );
  } catch (error) {
    await pool.close();
    throw error;
  }
}

interface Reading {
  readonly tags: readonly LabelTag[];
  readonly aggregation: Aggregation;
  /** Tokens of a text that a window holds. */
  readonly capacity: number;
}

/** Finds mentions: cuts texts into windows, runs them, and reads the labels of their tokens. */
class TokenClassifier {
  readonly #folder: DetectorFolder;
  readonly #config: Json;
  readonly #tokenizer: TextTokenizer;
  readonly #pool: SessionPool;
  readonly #reading: Reading;
  readonly #paddingId: number;
  #inBatches = false;

  constructor(folder: DetectorFolder, config: Json, tokenizer: TextTokenizer, pool: SessionPool, reading: Reading) {
    this.#folder = folder;
    this.#config = config;
    this.#tokenizer = tokenizer;
    this.#pool = pool;
    this.#reading = reading;
    this.#paddingId = typeof config.pad_token_id === 'number' ? config.pad_token_id : 0;
    checkSignature(pool.signature, INPUTS, ['token_type_ids'], folder, 'token classifier');
  }

  /** Runs the graph: what does not fit together is told when the detector is opened, and whether texts may share a run. */
  async probe(): Promise<void> {
    const labels = this.#reading.tags.length;
    const tokens = await this.#tokenizer.tokenize(['a', 'b a c a']);
    const windows = [0, 1].map((text) => {
      const textBegin = tokens.textBegins[text] as number;
      const count = (tokens.textBegins[text + 1] as number) - textBegin;
      return { textBegin, range: { begin: 0, end: Math.min(count, this.#reading.capacity) } };
    }) as [WaitingWindow, WaitingWindow];
    const lengths = windows.map(({ range }) => this.#lengthOf(range)) as [number, number];
    const alone = await this.#run([windows[0]], lengths[0], tokens);
    if (alone.dims.length !== 3 || alone.dims[2] !== labels) {
      throw this.#folder.fault(
        'the graph',
        `logits of [texts, tokens, ${labels}], a score for each label of config.json`,
        `[${alone.dims.join(', ')}]`,
        'Copy config.json and the graph from one model.',
      );
    }
    const together = () => this.#run(windows, Math.max(...lengths), tokens);
    this.#inBatches = await sameInBatch(alone, together, ({ data }) =>
      softmaxRows(data.subarray(0, lengths[0] * labels), labels),
    );
  }

  async read(texts: readonly string[], threshold: number, signal: AbortSignal): Promise<Mention[][]> {
    const tokens = await this.#tokenizer.tokenize(texts, () => signal.throwIfAborted());
    checkVocabulary(tokens.ids, this.#config.vocab_size, this.#folder.fault);
    const scores = await this.#scores(texts.length, tokens, signal);
    return texts.map((text, i) => this.#mentions(text, i, tokens, scores, threshold));
  }

  /** The labels' probabilities, [tokens, labels], each token's from the window that shows it best. */
  async #scores(texts: number, tokens: TokenTable, signal: AbortSignal): Promise<Float32Array> {
    const labels = this.#reading.tags.length;
    const scores = new Float32Array(tokens.ids.length * labels);
    const waiting: (WaitingWindow & { readonly share: TokenRange })[] = [];
    for (let text = 0; text < texts; text++) {
      const textBegin = tokens.textBegins[text] as number;
      const count = (tokens.textBegins[text + 1] as number) - textBegin;
      if (count === 0) continue;
      const windows = new Windows(count, this.#reading.capacity);
      for (let i = 0; i < windows.count; i++) {
        waiting.push({ textBegin, range: windows.window(i), share: windows.share(i) });
      }
    }
    const lengths = waiting.map(({ range }) => this.#lengthOf(range));
    const runBatch = async (indices: readonly number[]) => {
      const batch = indices.map((index) => waiting[index] as (typeof waiting)[number]);
      const length = lengths[indices.at(-1) as number] as number;
      const { data } = await this.#run(batch, length, tokens, signal);
      for (const [i, { textBegin, range, share }] of batch.entries()) {
        const row = i * length + this.#tokenizer.prefix.length + share.begin - range.begin;
        const own = data.subarray(row * labels, (row + share.end - share.begin) * labels);
        scores.set(softmaxRows(own, labels), (textBegin + share.begin) * labels);
      }
    };
    const batches = this.#inBatches ? cutBatches(lengths, BATCH_TOKENS) : lengths.map((_, i) => [i]);
    await inLanes(this.#pool.lanes, batches, runBatch);
    return scores;
  }

  #run(
    windows: readonly WaitingWindow[],
    length: number,
    tokens: TokenTable,
    signal?: AbortSignal,
  ): Promise<FetchedTensor> {
    const { ids, mask } = packWindows(windows, length, tokens, this.#tokenizer, this.#paddingId);
    const dims = [windows.length, length];
    const feeds: Record<string, Feed> = {
      input_ids: { type: 'int64', data: ids, dims },
      attention_mask: { type: 'int64', data: mask, dims },
    };
    if (this.#pool.signature.inputs.token_type_ids !== undefined) {
      feeds.token_type_ids = { type: 'int64', data: new BigInt64Array(ids.length), dims };
    }
    return this.#pool.run(feeds, 'logits', signal);
  }

  #mentions(text: string, index: number, tokens: TokenTable, scores: Float32Array, threshold: number): Mention[] {
    const { tags, aggregation } = this.#reading;
    const begin = tokens.textBegins[index] as number;
    const end = tokens.textBegins[index + 1] as number;
    const own = {
      count: end - begin,
      scores: scores.subarray(begin * tags.length, end * tags.length),
      wordBegins: tokens.wordBegins.subarray(begin, end),
    };
    return aggregateTokens(own, tags, aggregation).flatMap(({ first, end: behind, score }) => {
      if (score < threshold) return [];
      const from = tokens.starts[begin + first] as number;
      const range = detectedRange(text, from, tokens.ends[begin + behind - 1] as number);
      return range === null ? [] : [{ ...range, text: text.slice(range.start, range.end), score }];
    });
  }

  #lengthOf({ begin, end }: TokenRange): number {
    return end - begin + this.#tokenizer.specialTokens;
  }
}
