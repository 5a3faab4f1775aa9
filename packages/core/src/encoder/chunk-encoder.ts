import type { Projection } from '@ner-retriever/native';
import { encoding } from '../device/choose-encoder-device.js';
import type { DeviceChoice } from '../device/device-choice.js';
import { openGpu } from '../device/open-device.js';
import { NerRetrieverError } from '../errors.js';
import { firstMentionToken, lastMentionToken, ownTokens, type TokenRanges } from '../mentions/mention-tokens.js';
import type { ModelFolder } from '../model/model-folder.js';
import { type MentionRows, poolMentions } from '../pooling/pool-mentions.js';
import { loadProjection } from '../projection/load-projection.js';
import { BatchRunner } from './batch-runner.js';
import { type EncodeRequest, type EncodeResult, MentionSource } from './encode-request.js';
import { type EncodedWindow, keepWindow, mentionRows } from './encoded-window.js';
import { EncoderSession } from './encoder-session.js';
import type { WaitingWindow } from './pack-windows.js';
import { SectionDetector } from './section-detector.js';
import { detectedSections, givenSections, type Section } from './sections.js';
import { TextTokenizer } from './text-tokenizer.js';
import type { TokenTable } from './token-table.js';
import { Windows } from './windows.js';

/** Token rows that are encoded before those that were kept are let go, in bytes of tap: what a long text costs in memory is bounded by it. */
const ROUND_BYTES = 32 * 2 ** 20;

/** A mention on its way: found, with its tokens where it has some, and in the end with its vector. */
interface FoundMention {
  readonly start: number;
  readonly end: number;
  readonly score: number;
  /** First and last token, counted from the text's first; null where no token holds the mention's last character. */
  readonly tokens: { readonly first: number; readonly last: number } | null;
  vector: Float32Array | null;
}

/** What is known of one text of a chunk. */
interface TextState {
  readonly text: string;
  readonly ranges: TokenRanges;
  readonly windows: Windows;
  readonly detector: SectionDetector | null;
  readonly mentions: FoundMention[];
  /** Given mentions by the window that shows them best. */
  readonly byWindow: Map<number, FoundMention[]>;
}

/** A section after its windows ran: `encoded[i]` is the window `section.indices[i]`. */
interface EncodedSection {
  readonly section: Section;
  readonly encoded: readonly EncodedWindow[];
}

/** Texts in, vectors out, on the calling thread: tokenise, cut windows, run batches, detect, pool, project. */
export class ChunkEncoder {
  readonly #model: ModelFolder;
  readonly #tokenizer: TextTokenizer;
  readonly #runner: BatchRunner;
  readonly #projection: Projection;
  /** Tokens of a text that a window holds. */
  readonly #capacity: number;
  /** Tokens that are encoded before their rows are let go. */
  readonly #roundTokens: number;

  private constructor(
    model: ModelFolder,
    tokenizer: TextTokenizer,
    runner: BatchRunner,
    projection: Projection,
    capacity: number,
  ) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#runner = runner;
    this.#projection = projection;
    this.#capacity = capacity;
    const { tap, maximumTokens } = model.description;
    this.#roundTokens = Math.max(4 * maximumTokens, Math.floor(ROUND_BYTES / (4 * tap.dimensions)));
  }

  /**
   * @param device Where the graph runs. The projection follows it: of what comes from a GPU, the pooled rows go back there.
   * @throws NerRetrieverError MODEL_INVALID, HEAD_UNREADABLE, DIMENSIONS_DIFFER where a file of the model is not what it should be;
   *   DEVICE_UNAVAILABLE
   */
  static async open(
    model: ModelFolder,
    threads: number,
    device: DeviceChoice['device'] = 'cpu',
  ): Promise<ChunkEncoder> {
    const { description } = model;
    const tokenizer = await TextTokenizer.open(model.path(description.tokenizer));
    const capacity = description.maximumTokens - tokenizer.specialTokens;
    if (capacity < 1) {
      throw new NerRetrieverError('MODEL_INVALID', {
        directory: model.directory,
        field: 'maximumTokens',
        expected: `more than the ${tokenizer.specialTokens} special tokens`,
        received: description.maximumTokens,
      });
    }
    const projection = await loadProjection(
      description.head === null ? null : model.path(description.head),
      description.tap.dimensions,
      description.dimensions,
      device === 'cuda' ? await openGpu(encoding) : undefined,
    );
    const session = await EncoderSession.open(model, threads, device);
    const runner = new BatchRunner(tokenizer, session, description);
    return new ChunkEncoder(model, tokenizer, runner, projection, capacity);
  }

  /** `checkpoint` may throw to stop between two parts of the work: batches, or pieces of a text. */
  async encode(request: EncodeRequest, checkpoint: () => void = () => {}): Promise<EncodeResult> {
    const tokens = await this.#tokenizer.tokenize(request.texts, checkpoint);
    const states = this.#readTexts(request, tokens);
    const sections = states.flatMap((state, index) => this.#cutSections(state, index, request));
    for (const round of this.#rounds(sections)) {
      await this.#encodeRound(round, states, tokens, request, checkpoint);
    }
    return this.#collect(states, tokens, request);
  }

  #readTexts({ texts, sources, spanCounts, spans, threshold }: EncodeRequest, tokens: TokenTable): TextState[] {
    let span = 0;
    return texts.map((text, index) => {
      const begin = tokens.textBegins[index] as number;
      const end = tokens.textBegins[index + 1] as number;
      const ranges = { starts: tokens.starts, ends: tokens.ends, begin, end };
      const windows = new Windows(end - begin, this.#capacity);
      const detects = sources[index] === MentionSource.detector;
      const detector = detects ? new SectionDetector(text, tokens, index, threshold) : null;
      const mentions: FoundMention[] = [];
      if (sources[index] === MentionSource.wholeText) {
        const own = ownTokens(ranges);
        const whole = own && { first: own.first - begin, last: own.last - begin };
        mentions.push({ start: 0, end: text.length, score: Number.NaN, tokens: whole, vector: null });
      }
      for (const last = span + (spanCounts[index] as number); span < last; span++) {
        mentions.push(findTokens(text, spans[2 * span] as number, spans[2 * span + 1] as number, Number.NaN, ranges));
      }
      return { text, ranges, windows, detector, mentions, byWindow: this.#byWindow(mentions, windows) };
    });
  }

  #byWindow(mentions: readonly FoundMention[], windows: Windows): Map<number, FoundMention[]> {
    const byWindow = new Map<number, FoundMention[]>();
    for (const mention of mentions) {
      if (mention.tokens === null) continue;
      const index = this.#bestWindow(windows, mention.tokens);
      const group = byWindow.get(index);
      if (group === undefined) byWindow.set(index, [mention]);
      else group.push(mention);
    }
    return byWindow;
  }

  #cutSections({ windows, detector, ranges, byWindow }: TextState, text: number, request: EncodeRequest): Section[] {
    if (ranges.begin === ranges.end) return [];
    const limit = Math.floor(this.#roundTokens / this.#model.description.maximumTokens);
    if (detector !== null) return detectedSections(text, windows, limit);
    if (request.vectors === 'none') return [];
    return givenSections(text, windows, byWindow.keys(), limit);
  }

  #bestWindow(windows: Windows, { first, last }: { first: number; last: number }): number {
    return windows.best(first, last, this.#model.description.pooling);
  }

  /** Sections in order, as many at once as a round's tokens allow. */
  *#rounds(sections: readonly Section[]): Generator<Section[]> {
    let round: Section[] = [];
    let tokens = 0;
    for (const section of sections) {
      const sectionTokens = section.indices.length * (section.windows.length + this.#tokenizer.specialTokens);
      if (tokens > 0 && tokens + sectionTokens > this.#roundTokens) {
        yield round;
        round = [];
        tokens = 0;
      }
      round.push(section);
      tokens += sectionTokens;
    }
    if (tokens > 0) yield round;
  }

  async #encodeRound(
    round: readonly Section[],
    states: readonly TextState[],
    tokens: TokenTable,
    request: EncodeRequest,
    checkpoint: () => void,
  ): Promise<void> {
    const waiting = round.flatMap((section) => section.indices.map((index) => ({ section, index })));
    const wanted = {
      tap: request.vectors !== 'none',
      detector: round.some(({ text }) => states[text]?.detector !== null),
    };
    const windows = waiting.map(
      ({ section: { text, windows }, index }): WaitingWindow => ({
        textBegin: tokens.textBegins[text] as number,
        range: windows.window(index),
      }),
    );
    /** Windows of texts that have several: they are read together, in the order of the text. */
    const kept: EncodedWindow[] = [];
    for await (const { indices, encoded } of this.#runner.run(windows, tokens, wanted, checkpoint)) {
      const whole: EncodedSection[] = [];
      for (const [i, place] of indices.entries()) {
        const { section } = waiting[place] as (typeof waiting)[number];
        const window = encoded[i] as EncodedWindow;
        if (section.windows.count === 1) whole.push({ section, encoded: [window] });
        else kept[place] = keepWindow(window, this.#model.description.tap.dimensions);
      }
      this.#readSections(whole, states, request);
    }
    let end = 0;
    const parted = round.flatMap((section): EncodedSection[] => {
      const begin = end;
      end += section.indices.length;
      return section.windows.count === 1 ? [] : [{ section, encoded: kept.slice(begin, end) }];
    });
    this.#readSections(parted, states, request);
  }

  /** The mentions of sections, and their vectors. */
  #readSections(sections: readonly EncodedSection[], states: readonly TextState[], request: EncodeRequest): void {
    const { vectors } = request;
    const found: FoundMention[] = [];
    const rowsOfFound: MentionRows[] = [];
    for (const { section, encoded } of sections) {
      for (const mention of sectionMentions(section, encoded, states[section.text] as TextState)) {
        if (mention.tokens === null || vectors === 'none') continue;
        found.push(mention);
        const window = this.#windowOf(mention.tokens, section, encoded);
        rowsOfFound.push(mentionRows(window, mention.tokens.first, mention.tokens.last));
      }
    }
    if (found.length === 0) return;
    const { tap, pooling } = this.#model.description;
    const rows =
      vectors === 'projected'
        ? this.#projection.projectSync(poolMentions(rowsOfFound, tap.dimensions, pooling))
        : sideBySide(
            request.poolings.map((one) => poolMentions(rowsOfFound, tap.dimensions, one)),
            tap.dimensions,
          );
    const columns = this.#columns(request);
    for (const [i, mention] of found.entries()) mention.vector = rows.subarray(i * columns, (i + 1) * columns);
  }

  /** A detected mention at a section's border may lie as well in the window before the section: then the first one shows it. */
  #windowOf(
    tokens: { readonly first: number; readonly last: number },
    { windows, indices }: Section,
    encoded: readonly EncodedWindow[],
  ): EncodedWindow {
    const place = indices.indexOf(this.#bestWindow(windows, tokens));
    return encoded[Math.max(place, 0)] as EncodedWindow;
  }

  #columns({ vectors, poolings }: EncodeRequest): number {
    if (vectors === 'none') return 0;
    const { tap } = this.#model.description;
    return vectors === 'raw' ? poolings.length * tap.dimensions : this.#projection.outputDimensions;
  }

  #collect(states: readonly TextState[], tokens: TokenTable, request: EncodeRequest): EncodeResult {
    const mentions = states.flatMap((state) => state.mentions);
    const columns = this.#columns(request);
    const result: EncodeResult = {
      tokens: Int32Array.from(
        states,
        (_, i) => (tokens.textBegins[i + 1] as number) - (tokens.textBegins[i] as number),
      ),
      mentionCounts: Int32Array.from(states, (state) => state.mentions.length),
      spans: new Int32Array(2 * mentions.length),
      scores: Float32Array.from(mentions, ({ score }) => score),
      usable: Uint8Array.from(mentions, (mention) => (mention.tokens === null ? 0 : 1)),
      vectors: new Float32Array(mentions.length * columns),
    };
    for (const [i, { start, end, vector }] of mentions.entries()) {
      result.spans[2 * i] = start;
      result.spans[2 * i + 1] = end;
      if (vector !== null) result.vectors.set(vector, i * columns);
      else result.vectors.fill(Number.NaN, i * columns, (i + 1) * columns);
    }
    return result;
  }
}

/** Matrices of one shape, [rows, columns], as one: [rows, matrices × columns]. */
function sideBySide(matrices: readonly Float32Array[], columns: number): Float32Array {
  const [first = new Float32Array(0)] = matrices;
  if (matrices.length === 1) return first;
  const joined = new Float32Array(matrices.length * first.length);
  for (let row = 0; row * columns < first.length; row++) {
    for (const [place, matrix] of matrices.entries()) {
      joined.set(matrix.subarray(row * columns, (row + 1) * columns), (row * matrices.length + place) * columns);
    }
  }
  return joined;
}

function findTokens(text: string, start: number, end: number, score: number, ranges: TokenRanges): FoundMention {
  const last = lastMentionToken(text, start, end, ranges);
  const tokens =
    last < 0 ? null : { first: firstMentionToken(start, last, ranges) - ranges.begin, last: last - ranges.begin };
  return { start, end, score, tokens, vector: null };
}

/** The mentions whose vectors a section may hold: those that were given, or those that it lets the detector see. */
function sectionMentions(
  section: Section,
  encoded: readonly EncodedWindow[],
  state: TextState,
): readonly FoundMention[] {
  if (state.detector === null) return section.indices.flatMap((index) => state.byWindow.get(index) ?? []);
  const detected = state.detector
    .read(section, encoded)
    .map(({ start, end, score }) => findTokens(state.text, start, end, score, state.ranges));
  for (const mention of detected) state.mentions.push(mention);
  return detected;
}
