import { basename } from 'node:path';
import { checkOption, checkOptions } from '../check-options.js';
import { BATCH_TOKENS } from '../encoder/batch-runner.js';
import { cutBatches } from '../encoder/batches.js';
import type { Mention, Span } from '../mentions/mention.js';
import type { MentionDetector } from '../mentions/mention-detector.js';
import type { DetectorFault } from './detector-fault.js';
import { openDetectorFolder } from './detector-folder.js';
import { type GlinerConfig, readGlinerConfig } from './gliner-config.js';
import { type GlinerGraph, probeGliner } from './gliner-graph.js';
import { checkLabels, glinerPrompt } from './gliner-prompt.js';
import { GlinerRunner } from './gliner-runner.js';
import { inLanes } from './in-lanes.js';
import { type ScoredSpan, selectSpans } from './select-spans.js';
import { checkSignal, checkThreshold, checkWorkers, SessionDetector } from './session-detector.js';
import { SessionPool } from './session-pool.js';
import { splitWords } from './split-words.js';
import { checkVocabulary } from './vocabulary.js';
import { WordWindows } from './word-windows.js';

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
  const prompt = await glinerPrompt(labels, tokenizer, config, folder.fault);
  const pool = await SessionPool.open(folder, workers, signal);
  try {
    const runner = new GlinerRunner(tokenizer, config, prompt, pool);
    const graph = await probeGliner(runner, pool.signature, labels.length, config, folder);
    const gliner = new Gliner(folder.fault, config, runner, { ...graph, labels: labels.length, nested });
    return new SessionDetector(
      `GLiNER (${basename(folder.directory)})`,
      { labels, nested },
      pool,
      threshold,
      (...call) => gliner.read(...call),
    );
  } catch (error) {
    await pool.close();
    throw error;
  }
}

interface Reading extends GlinerGraph {
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

/** Finds mentions: cuts texts into words and windows, runs them, and chooses among the spans. */
class Gliner {
  readonly #fault: DetectorFault;
  readonly #config: GlinerConfig;
  readonly #runner: GlinerRunner;
  readonly #reading: Reading;

  constructor(fault: DetectorFault, config: GlinerConfig, runner: GlinerRunner, reading: Reading) {
    this.#fault = fault;
    this.#config = config;
    this.#runner = runner;
    this.#reading = reading;
  }

  async read(texts: readonly string[], threshold: number, signal: AbortSignal): Promise<Mention[][]> {
    const states = await this.#cut(texts, signal);
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
    await inLanes(this.#runner.lanes, batches, runBatch);
    return states.map((state) => this.#mentions(state));
  }

  async #cut(texts: readonly string[], signal: AbortSignal): Promise<TextWords[]> {
    const spansOfTexts = texts.map(splitWords);
    const words = spansOfTexts.flatMap((spans, i) =>
      spans.map(({ start, end }) => (texts[i] as string).slice(start, end)),
    );
    const idsOfWords = await this.#runner.wordsOf(words, signal);
    for (const ids of idsOfWords) checkVocabulary(ids, this.#config.vocabularySize, this.#fault);
    let end = 0;
    return texts.map((text, i) => {
      const spans = spansOfTexts[i] as Span[];
      const own = idsOfWords.slice(end, end + spans.length);
      end += spans.length;
      const tokens = own.map((ids) => ids.length);
      const windows = new WordWindows(tokens, this.#config.maximumWords, this.#runner.capacity);
      return { text, spans, words: own, windows, found: [] };
    });
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

/** Accents that stand by themselves are words to the splitter: the span with those of its last letter, and with the letter of its first. */
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
