import { basename } from 'node:path';
import { checkOption, checkOptions } from '../check-options.js';
import { BATCH_TOKENS } from '../encoder/batch-runner.js';
import { cutBatches } from '../encoder/batches.js';
import type { TextTokenizer } from '../encoder/text-tokenizer.js';
import { NerRetrieverError } from '../errors.js';
import type { Mention, Span } from '../mentions/mention.js';
import type { MentionDetector } from '../mentions/mention-detector.js';
import { type DetectorFolder, openDetectorFolder } from './detector-folder.js';
import { type GlinerConfig, readGlinerConfig } from './gliner-config.js';
import { type ReadSpans, spansOfFirstMarks, spansOfLastMarks, spansOfWidths } from './gliner-spans.js';
import { checkSignature, int64Feed } from './graph-inputs.js';
import { sameInBatch } from './same-in-batch.js';
import { type ScoredSpan, selectSpans } from './select-spans.js';
import { checkSignal, checkThreshold, checkWorkers, SessionDetector } from './session-detector.js';
import type { Feed, FetchedTensor } from './session-messages.js';
import { SessionPool } from './session-pool.js';
import { splitWords } from './split-words.js';
import { checkVocabulary } from './vocabulary.js';
import { type WordRange, WordWindows } from './word-windows.js';

export interface GlinerOptions {
  /** The types to look for, in words: `['person', 'musical group']`. A mention of any of them is a mention. */
  readonly labels: readonly string[];
  /** Keeps mentions that lie within others. Default: false. */
  readonly nested?: boolean;
  /** Least score of a mention, 0 to 1, where a call gives none. Default: 0.5. */
  readonly threshold?: number;
  /** Sessions at once. Default: one a core, or one in all for a model whose copies would fill half the memory. */
  readonly workers?: number;
  readonly signal?: AbortSignal;
}

const TOKEN_INPUTS = {
  input_ids: 'int64',
  attention_mask: 'int64',
  token_type_ids: 'int64',
  words_mask: 'int64',
  text_lengths: 'int64',
} as const;

const SPAN_INPUTS = { ...TOKEN_INPUTS, span_idx: 'int64', span_mask: 'bool' } as const;

/** Of the tokens that a model takes, the part that labels may fill. */
const MOST_LABEL_TOKENS = 3 / 4;

/**
 * A detector from a GLiNER model: a folder with `onnx/model.onnx` or `model.onnx`, gliner_config.json and tokenizer.json, as GLiNER's
 * own export writes it; span-level or token-level. Long texts are read in overlapping windows.
 *
 * @throws NerRetrieverError DETECTOR_MODEL_INVALID, MODEL_PATH_OUTSIDE, OPTION_….
 */
export async function openGliner(directory: string, options: GlinerOptions): Promise<MentionDetector> {
  checkOption(typeof directory === 'string', 'the detector', 'the path of a model folder', directory);
  checkOption(options !== undefined, 'the options of openGliner', 'an object with labels', options);
  checkOptions('openGliner', options, ['labels', 'nested', 'threshold', 'workers', 'signal']);
  const { labels, nested = false, threshold = 0.5, workers, signal } = options;
  checkLabels(labels);
  checkOption(typeof nested === 'boolean', 'nested', 'true or false', nested);
  checkThreshold(threshold);
  checkWorkers(workers);
  checkSignal(signal);

  const folder = await openDetectorFolder(directory);
  const tokenizer = await folder.tokenizer();
  const config = await readGlinerConfig(folder, tokenizer);
  const prompt = await readPrompt(labels, tokenizer, config, folder);
  const pool = await SessionPool.open(folder, workers, signal);
  try {
    const spanLevel = pool.signature.inputs.span_idx !== undefined;
    checkSignature(pool.signature, spanLevel ? SPAN_INPUTS : TOKEN_INPUTS, ['token_type_ids'], folder, 'GLiNER model');
    const runner = new GlinerRunner(tokenizer, config, prompt, pool);
    const habits = await probe(runner, labels.length, config, folder, spanLevel);
    const gliner = new Gliner(folder, config, runner, { ...habits, labels: labels.length, nested });
    return new SessionDetector(`GLiNER (${basename(folder.directory)})`, pool, threshold, (...call) =>
      gliner.read(...call),
    );
  } catch (error) {
    await pool.close();
    throw error;
  }
}

function checkLabels(labels: unknown): void {
  checkOption(Array.isArray(labels) && labels.length > 0, 'labels', 'an array of at least one label', labels);
  const seen = new Set<string>();
  for (const [i, label] of (labels as unknown[]).entries()) {
    const holds = typeof label === 'string' && label.trim() !== '' && !seen.has(label);
    checkOption(holds, `label ${i}`, 'a text that is not empty and no other label', label);
    seen.add(label as string);
  }
}

/** The tokens that stand before a text: each label behind its mark, and the separator. Every label is one word. */
async function readPrompt(
  labels: readonly string[],
  tokenizer: TextTokenizer,
  { labelToken, separatorToken, maximumTokens, vocabularySize }: GlinerConfig,
  { fault }: DetectorFolder,
): Promise<Int32Array> {
  for (const [i, label] of labels.entries()) {
    const own = !label.includes(labelToken) && !label.includes(separatorToken);
    checkOption(own, `label ${i}`, `a text without ${labelToken} and ${separatorToken}`, label);
  }
  const words = await tokenizer.tokenizeWords([...labels.flatMap((label) => [labelToken, label]), separatorToken]);
  const prompt = Int32Array.from(words.flatMap((ids) => [...ids]));
  checkVocabulary(prompt, vocabularySize, fault);
  const most = Math.floor((maximumTokens - tokenizer.specialTokens) * MOST_LABEL_TOKENS);
  if (prompt.length > most) {
    throw new NerRetrieverError('OPTION_INVALID', {
      option: 'labels',
      expected: `fewer or shorter labels, of at most ${most} tokens together,`,
      received: `${prompt.length} tokens`,
    });
  }
  return prompt;
}

/** How a graph is to be read and fed. */
interface GraphHabits {
  readonly readSpans: ReadSpans;
  /** Whether texts may share a run. */
  readonly inBatches: boolean;
}

/** Runs the graph: what does not fit together is told when the detector is opened. */
async function probe(
  runner: GlinerRunner,
  classes: number,
  { maximumWidth }: GlinerConfig,
  { fault }: DetectorFolder,
  spanLevel: boolean,
): Promise<GraphHabits> {
  const words = await runner.wordsOf(['a', 'b', 'c']);
  const text = { words, range: { begin: 0, end: 2 } };
  const longer = { words, range: { begin: 0, end: 3 } };
  const alone = await runner.run([text]);
  const layouts: [readonly number[], ReadSpans][] = spanLevel
    ? [[[1, 2, maximumWidth, classes], spansOfWidths]]
    : [
        [[1, 2, classes, 3], spansOfLastMarks],
        [[3, 1, 2, classes], spansOfFirstMarks],
      ];
  const layout = layouts.find(([expected]) => String(expected) === String(alone.dims));
  if (layout === undefined) {
    throw fault(
      'the graph',
      `logits of ${layouts.map(([expected]) => `[${expected.join(', ')}]`).join(' or ')} for 2 words and ${classes} labels`,
      `[${alone.dims.join(', ')}]`,
      'Copy gliner_config.json, the tokenizer and the graph from one model.',
    );
  }
  const [, readSpans] = layout;
  const scores = (output: FetchedTensor) => {
    const texts = output === alone ? 1 : 2;
    const logits = { data: output.data, texts, words: texts + 1, width: maximumWidth, classes };
    return Array.from(readSpans(logits, 0, 2, 0), ({ score }) => score);
  };
  return { readSpans, inBatches: await sameInBatch(alone, () => runner.run([text, longer]), scores) };
}

/** Some words of a text that run together. `words`: the ids of each word of the text. */
interface WaitingWords {
  readonly words: readonly Int32Array[];
  readonly range: WordRange;
}

/** Feeds windows of words to the graph. */
class GlinerRunner {
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

interface Reading extends GraphHabits {
  readonly labels: number;
  readonly nested: boolean;
}

/** One text's words on their way. */
interface TextWords {
  readonly text: string;
  readonly spans: readonly Span[];
  readonly words: readonly Int32Array[];
  readonly windows: WordWindows;
  readonly found: ScoredSpan[];
}

class Gliner {
  readonly #folder: DetectorFolder;
  readonly #config: GlinerConfig;
  readonly #runner: GlinerRunner;
  readonly #reading: Reading;

  constructor(folder: DetectorFolder, config: GlinerConfig, runner: GlinerRunner, reading: Reading) {
    this.#folder = folder;
    this.#config = config;
    this.#runner = runner;
    this.#reading = reading;
  }

  async read(texts: readonly string[], threshold: number, signal: AbortSignal): Promise<Mention[][]> {
    const states = await Promise.all(texts.map((text) => this.#cut(text, signal)));
    const waiting = states.flatMap((state) =>
      state.windows.ranges.map((range, window) => ({ words: state.words, range, state, window })),
    );
    const lengths = waiting.map((window) => this.#runner.lengthOf(window));
    const runBatch = async (indices: readonly number[]) => {
      const batch = indices.map((index) => waiting[index] as (typeof waiting)[number]);
      const { data } = await this.#runner.run(batch, signal);
      const words = Math.max(...batch.map(({ range }) => range.end - range.begin));
      const { maximumWidth } = this.#config;
      const { labels, readSpans } = this.#reading;
      const logits = { data, texts: batch.length, words, width: maximumWidth, classes: labels };
      for (const [i, { state, range, window }] of batch.entries()) {
        for (const { first, last, score } of readSpans(logits, i, range.end - range.begin, threshold)) {
          const span = { first: range.begin + first, last: range.begin + last, score };
          // Two windows show it: it counts once, from the one that shows it best.
          if (state.windows.best(span.first, span.last) !== window) continue;
          state.found.push(withWholeLetters(span, state.text, state.spans));
        }
      }
    };
    const batches = this.#reading.inBatches ? cutBatches(lengths, BATCH_TOKENS) : lengths.map((_, i) => [i]);
    await Promise.all(batches.map(runBatch));
    return states.map((state) => this.#mentions(state));
  }

  async #cut(text: string, signal: AbortSignal): Promise<TextWords> {
    const spans = splitWords(text);
    const words = await this.#runner.wordsOf(
      spans.map(({ start, end }) => text.slice(start, end)),
      signal,
    );
    for (const ids of words) checkVocabulary(ids, this.#config.vocabularySize, this.#folder.fault);
    const tokens = words.map((ids) => ids.length);
    const windows = new WordWindows(tokens, this.#config.maximumWords, this.#runner.capacity);
    return { text, spans, words, windows, found: [] };
  }

  #mentions({ text, spans, found }: TextWords): Mention[] {
    // Batches end in any order; of spans with one score the first one counts.
    const inOrder = found.sort((a, b) => a.first - b.first || a.last - b.last);
    return selectSpans(inOrder, this.#reading.nested).map(({ first, last, score }) => {
      const { start } = spans[first] as Span;
      const { end } = spans[last] as Span;
      return { start, end, text: text.slice(start, end), score };
    });
  }
}

/** The span with the accents that belong to its last letter, and the letter that its first accents belong to: to the splitter they are words. */
function withWholeLetters({ first, last, score }: ScoredSpan, text: string, spans: readonly Span[]): ScoredSpan {
  const isAccent = (word: number) => {
    const span = spans[word];
    return (
      span !== undefined && span.start === spans[word - 1]?.end && /^\p{M}/u.test(text.slice(span.start, span.end))
    );
  };
  let begin = first;
  let end = last;
  while (isAccent(begin)) begin--;
  while (isAccent(end + 1)) end++;
  return { first: begin, last: end, score };
}
