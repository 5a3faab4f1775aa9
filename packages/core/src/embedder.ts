import { setMaxListeners } from 'node:events';
import { modelDirectory } from '@ner-retriever/model-en';
import { checkOption, checkOptions } from './check-options.js';
import { chooseEncoderDevice } from './device/choose-encoder-device.js';
import { checkDevice, type DeviceChoice, type DeviceOption } from './device/device-choice.js';
import { dealTexts, type TextRange } from './encoder/deal-texts.js';
import { type EncodeRequest, type EncodeResult, MentionSource } from './encoder/encode-request.js';
import { EncoderPool } from './encoder/encoder-pool.js';
import { workerLayout } from './encoder/worker-layout.js';
import { NerRetrieverError } from './errors.js';
import type { Matrix } from './matrix.js';
import { distinctSpans } from './mentions/distinct-spans.js';
import type { Mention, SkippedMention, SkipReason, Span } from './mentions/mention.js';
import type { MentionDetector } from './mentions/mention-detector.js';
import { spanFault } from './mentions/span-fault.js';
import { type ModelFolder, openModelFolder } from './model/model-folder.js';
import type { Pooling } from './model/pooling.js';
import { resolveModel } from './model/resolve-model.js';

export interface EmbedderOptions {
  /**
   * Encoder threads. Default: one a core, or one in all for a model whose copies would fill half the memory, and on a GPU.
   */
  readonly workers?: number;
  /**
   * Where the encoder and the projection run. `cuda` is an NVIDIA GPU, by ONNX Runtime's CUDA provider, or an error; `auto` (default)
   * takes one where it works and the CPU elsewhere: `Embedder.device` says which, and why.
   */
  readonly device?: DeviceOption;
  /** Finds the mentions instead of the model's own detector, if it has one. Stays yours to close. */
  readonly detector?: MentionDetector;
  readonly signal?: AbortSignal;
}

export interface DetectOptions {
  readonly signal?: AbortSignal;
  /** Least confidence, 0 to 1: with the model's own detector that of a word in a mention. Default: the detector's own. */
  readonly threshold?: number;
}

export interface EmbedOptions {
  readonly signal?: AbortSignal;
  /** The tap's own values, before head and L2. Default: false. */
  readonly raw?: boolean;
  /** With `raw`: several poolings, side by side in a row. Default: the model's own. */
  readonly poolings?: readonly Pooling[];
}

export interface EmbedMentionsOptions extends EmbedOptions {
  /**
   * `'given'` never detects (a document without `mentions` has none), `'detect'` always does. Default: given spans where a document
   * has them, detected ones elsewhere.
   */
  readonly mentions?: 'given' | 'detect';
  /** Before what waits already, as type descriptions are: for a few texts that somebody waits for. Default: false. */
  readonly urgent?: boolean;
}

/** A text, and where its mentions are, when that is known. */
export interface EmbedderDocument {
  readonly text: string;
  readonly mentions?: readonly Span[];
}

/** What `embedMentions` found in one document. */
export interface DocumentMentions {
  /** In the order of the rows: as given (exact repeats once) or as they stand in the text. Unusable ones are among them. */
  readonly mentions: Mention[];
  /** Those of `mentions` that cannot be used, with the reason; their rows are NaN. */
  readonly skipped: SkippedMention[];
  /** Row of the matrix that belongs to the first mention. */
  readonly firstRow: number;
  /** Rows of the document: `mentions.length`. */
  readonly rows: number;
  /** Tokens of the text, special tokens not counted. */
  readonly tokens: number;
}

export interface MentionEmbeddings {
  /** One row a mention, documents in order. Columns: the model's dimensions, or the tap's with `raw`. */
  readonly matrix: Matrix;
  readonly documents: DocumentMentions[];
  /** Tokens of all texts. */
  readonly tokens: number;
}

/**
 * The middle of the pipeline: texts in, vectors of their mentions out. Work is spread over threads of its own; several calls may run
 * at once. A vector depends on its own text alone.
 */
export class Embedder {
  readonly model: ModelFolder;
  /** What finds mentions instead of the model's own detector; null: that one does, if the model has one. */
  readonly detector: MentionDetector | null;
  /** Where the encoder runs, and why there. */
  readonly device: DeviceChoice;
  readonly #pool: EncoderPool;

  private constructor(
    model: ModelFolder,
    detector: MentionDetector | null,
    { pool, device }: { readonly pool: EncoderPool; readonly device: DeviceChoice },
  ) {
    this.model = model;
    this.detector = detector;
    this.device = device;
    this.#pool = pool;
  }

  /**
   * @param model A model folder, or the Hugging Face id of a prepared model; the bundled English model where it is left out.
   * @throws NerRetrieverError MODEL_… where the folder or a file of it is not what it should be, HUB_… where it cannot be
   *   downloaded; DEVICE_UNAVAILABLE where `device` is `cuda` and the encoder cannot run there.
   */
  static async open(model: string = modelDirectory, options: EmbedderOptions = {}): Promise<Embedder> {
    checkOptions('Embedder.open', options, ['workers', 'device', 'detector', 'signal']);
    const { workers, device = 'auto', detector = null, signal } = options;
    const counts = workers === undefined || (Number.isSafeInteger(workers) && workers >= 1);
    checkOption(counts, 'workers', 'a whole number of at least 1', workers);
    checkOption(detector === null || typeof detector.detect === 'function', 'detector', 'a MentionDetector', detector);
    checkDevice(device);
    checkSignal(signal);
    const { directory } = await resolveModel(model, signal && { signal });
    const folder = await openModelFolder(directory);
    return new Embedder(folder, detector, await openPool(folder, device, workers, signal));
  }

  /**
   * The mentions that the detector finds in each text: the one that was given at opening, or the model's own.
   *
   * @throws NerRetrieverError DETECTOR_MISSING.
   */
  async detect(texts: readonly string[], options: DetectOptions = {}): Promise<Mention[][]> {
    checkOptions('detect', options, ['signal', 'threshold']);
    const { signal, threshold } = options;
    checkTexts(texts, 'texts');
    if (this.detector) return detectWith(this.detector, texts, { threshold, signal });
    const sources = new Uint8Array(texts.length).fill(MentionSource.detector);
    const detected = await this.#encode(texts, { sources, vectors: 'none', threshold, signal });
    return [...perText(detected)].map(({ text, mentions }) => mentions.map((row) => mention(text, row)));
  }

  /** The vectors of the documents' mentions: given, detected, or both (see `options.mentions`). */
  async embedMentions(
    documents: readonly EmbedderDocument[],
    options: EmbedMentionsOptions = {},
  ): Promise<MentionEmbeddings> {
    checkOptions('embedMentions', options, ['signal', 'raw', 'poolings', 'mentions', 'urgent']);
    const { mentions: source, raw = false, poolings = [this.model.description.pooling], signal } = options;
    const { urgent = false } = options;
    checkOption(
      source === undefined || source === 'given' || source === 'detect',
      'mentions',
      "'given' or 'detect'",
      source,
    );
    checkRaw(options);
    checkDocuments(documents);

    const given = documents.map(({ text, mentions }) =>
      source === 'detect' || (mentions === undefined && source !== 'given')
        ? null
        : givenMentions(text, mentions ?? []),
    );
    if (this.detector) await detectMissing(this.detector, documents, given, signal);
    const encoded = await this.#encode(
      documents.map(({ text }) => text),
      {
        sources: Uint8Array.from(given, (spans) => (spans === null ? MentionSource.detector : MentionSource.given)),
        spans: given.map((spans) => spans?.filter(({ fault }) => fault === null) ?? []),
        vectors: raw ? 'raw' : 'projected',
        poolings,
        signal,
        urgent,
      },
    );
    return this.#assemble(given, encoded, this.#columns(raw, poolings));
  }

  /**
   * One vector a type description, comparable with those of mentions: [descriptions, dimensions].
   *
   * @throws NerRetrieverError DESCRIPTION_EMPTY.
   */
  async embedTypes(descriptions: readonly string[], options: EmbedOptions = {}): Promise<Matrix> {
    checkOptions('embedTypes', options, ['signal', 'raw', 'poolings']);
    const { raw = false, poolings = [this.model.description.pooling], signal } = options;
    checkRaw(options);
    checkTexts(descriptions, 'descriptions');
    const encoded = await this.#encode(descriptions, {
      sources: new Uint8Array(descriptions.length).fill(MentionSource.wholeText),
      vectors: raw ? 'raw' : 'projected',
      poolings,
      signal,
      urgent: true,
    });
    const columns = this.#columns(raw, poolings);
    const data = new Float32Array(descriptions.length * columns);
    let index = 0;
    for (const { text, mentions } of perText(encoded)) {
      const [row] = mentions;
      if (!row?.usable) throw new NerRetrieverError('DESCRIPTION_EMPTY', { description: text, index });
      data.set(row.vector, columns * index++);
    }
    return { rows: descriptions.length, columns, data };
  }

  /** Lets the calls in flight finish, then ends the threads. */
  close(): Promise<void> {
    return this.#pool.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #encode(
    texts: readonly string[],
    {
      sources,
      spans,
      vectors,
      poolings = [],
      threshold = this.model.description.detector?.threshold ?? 1,
      signal,
      urgent = false,
    }: {
      readonly sources: Uint8Array;
      readonly spans?: readonly (readonly Span[])[] | undefined;
      readonly vectors: EncodeRequest['vectors'];
      readonly poolings?: readonly Pooling[];
      readonly threshold?: number | undefined;
      readonly signal: AbortSignal | undefined;
      readonly urgent?: boolean;
    },
  ): Promise<EncodedTexts[]> {
    checkSignal(signal);
    checkThreshold(threshold);
    for (const [index, text] of texts.entries())
      checkOption(typeof text === 'string', `text ${index}`, 'a string', text);
    if (this.model.description.detector === null && sources.includes(MentionSource.detector)) {
      throw new NerRetrieverError('DETECTOR_MISSING', { model: this.model.description.name });
    }
    // One request that fails takes the others of its call with it.
    const call = new AbortController();
    // One listener a request, and a call may have thousands.
    setMaxListeners(0, call.signal);
    const abort = () => call.abort(signal?.reason);
    signal?.throwIfAborted();
    signal?.addEventListener('abort', abort);
    const encode = async ({ begin, end }: TextRange): Promise<EncodedTexts> => {
      const own = texts.slice(begin, end);
      const ownSpans = spans?.slice(begin, end);
      const request: EncodeRequest = {
        texts: own,
        sources: sources.slice(begin, end),
        spanCounts: Int32Array.from(own, (_, i) => ownSpans?.[i]?.length ?? 0),
        spans: Int32Array.from(ownSpans?.flatMap((some) => some.flatMap((span) => [span.start, span.end])) ?? []),
        vectors,
        poolings,
        threshold,
      };
      return { texts: own, result: await this.#pool.encode(request, { signal: call.signal, urgent }) };
    };
    try {
      return await Promise.all(dealTexts(texts, this.#pool.size).map(encode));
    } catch (error) {
      call.abort(error);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #columns(raw: boolean, poolings: readonly Pooling[]): number {
    const { tap, dimensions } = this.model.description;
    return raw ? poolings.length * tap.dimensions : dimensions;
  }

  #assemble(
    given: readonly (readonly GivenMention[] | null)[],
    encoded: readonly EncodedTexts[],
    columns: number,
  ): MentionEmbeddings {
    const texts = [...perText(encoded)];
    const counts = texts.map(({ mentions }, index) => given[index]?.length ?? mentions.length);
    const rows = counts.reduce((sum, count) => sum + count, 0);
    const data = new Float32Array(rows * columns);
    let firstRow = 0;
    const documents = texts.map(({ text, tokens, mentions: usable }, index): DocumentMentions => {
      const count = counts[index] as number;
      const skipped: SkippedMention[] = [];
      const mentions: Mention[] = [];
      let next = 0;
      for (let row = 0; row < count; row++) {
        const span = given[index]?.[row];
        const encodedRow = span === undefined || span.fault === null ? (usable[next++] as EncodedMention) : null;
        const reason = span?.fault ?? (encodedRow?.usable ? null : 'no-token');
        const at = (firstRow + row) * columns;
        if (encodedRow !== null) data.set(encodedRow.vector, at);
        else data.fill(Number.NaN, at, at + columns);
        const { start, end } = (span ?? encodedRow) as Span;
        mentions.push(mention(text, { start, end, score: span?.score ?? encodedRow?.score ?? Number.NaN }));
        if (reason !== null) skipped.push({ start, end, reason });
      }
      const own = { mentions, skipped, firstRow, rows: count, tokens };
      firstRow += count;
      return own;
    });
    const tokens = documents.reduce((sum, document) => sum + document.tokens, 0);
    return { matrix: { rows, columns, data }, documents, tokens };
  }
}

/** The encoder's threads, on the device that was asked for; with `auto` on the CPU where a GPU refuses the model. */
async function openPool(
  model: ModelFolder,
  wanted: DeviceOption,
  workers: number | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly pool: EncoderPool; readonly device: DeviceChoice }> {
  const open = ({ device }: DeviceChoice) =>
    EncoderPool.open(model, workerLayout(model, workers, device), signal, device);
  const device = await chooseEncoderDevice(wanted);
  try {
    return { pool: await open(device), device };
  } catch (error) {
    if (wanted !== 'auto' || !NerRetrieverError.isInstance(error) || error.code !== 'DEVICE_UNAVAILABLE') throw error;
    const onCpu: DeviceChoice = { device: 'cpu', reason: String(error.details.reason) };
    return { pool: await open(onCpu), device: onCpu };
  }
}

/** A mention that is known before the text is encoded. */
interface GivenMention extends Span {
  readonly fault: SkipReason | null;
  /** The confidence of the detector that was given at opening. */
  readonly score?: number;
}

/** The texts of one request, and its answer. */
interface EncodedTexts {
  readonly texts: readonly string[];
  readonly result: EncodeResult;
}

interface EncodedMention extends Span {
  readonly score: number;
  readonly usable: boolean;
  readonly vector: Float32Array;
}

function givenMentions(text: string, spans: readonly Span[]): GivenMention[] {
  return distinctSpans(spans).map(({ start, end }) => ({ start, end, fault: spanFault(text, { start, end }) }));
}

/** What a detector found keeps its confidence. */
function detectedMentions(text: string, mentions: readonly Mention[]): GivenMention[] {
  return distinctSpans(mentions).map(({ start, end, score }) => ({
    start,
    end,
    fault: spanFault(text, { start, end }),
    ...(score !== undefined && { score }),
  }));
}

/** Fills in the mentions that are not given (null). */
async function detectMissing(
  detector: MentionDetector,
  documents: readonly EmbedderDocument[],
  given: (readonly GivenMention[] | null)[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const places = given.flatMap((mentions, place) => (mentions === null ? [place] : []));
  const texts = places.map((place) => (documents[place] as EmbedderDocument).text);
  const detected = await detectWith(detector, texts, { signal });
  for (const [index, place] of places.entries())
    given[place] = detectedMentions(texts[index] as string, detected[index] ?? []);
}

async function detectWith(
  detector: MentionDetector,
  texts: readonly string[],
  { threshold, signal }: { readonly threshold?: number | undefined; readonly signal: AbortSignal | undefined },
): Promise<Mention[][]> {
  checkSignal(signal);
  checkThreshold(threshold);
  if (texts.length === 0) return [];
  return detector.detect(texts, { ...(threshold !== undefined && { threshold }), ...(signal && { signal }) });
}

/** The answers of all requests, text by text. */
function* perText(
  encoded: readonly EncodedTexts[],
): Generator<{ text: string; tokens: number; mentions: EncodedMention[] }> {
  for (const { texts, result } of encoded) {
    const columns = result.usable.length === 0 ? 0 : result.vectors.length / result.usable.length;
    let row = 0;
    for (const [index, text] of texts.entries()) {
      const mentions: EncodedMention[] = [];
      for (const end = row + (result.mentionCounts[index] as number); row < end; row++) {
        mentions.push({
          start: result.spans[2 * row] as number,
          end: result.spans[2 * row + 1] as number,
          score: result.scores[row] as number,
          usable: result.usable[row] === 1,
          vector: result.vectors.subarray(row * columns, (row + 1) * columns),
        });
      }
      yield { text, tokens: result.tokens[index] as number, mentions };
    }
  }
}

function mention(text: string, { start, end, score }: Span & { readonly score: number }): Mention {
  const span = { start, end, text: text.slice(start, end) };
  return Number.isNaN(score) ? span : { ...span, score };
}

function checkRaw({ raw, poolings }: EmbedOptions): void {
  checkOption(raw === undefined || typeof raw === 'boolean', 'raw', 'true or false', raw);
  if (poolings === undefined) return;
  const known = Array.isArray(poolings) && poolings.length > 0 && poolings.every((one) => allPoolings.includes(one));
  checkOption(raw === true && known, 'poolings', `some of ${allPoolings.join(', ')}, with raw`, poolings);
}

const allPoolings: readonly Pooling[] = ['last', 'first', 'mean'];

function checkSignal(signal: AbortSignal | undefined): void {
  checkOption(signal === undefined || signal instanceof AbortSignal, 'signal', 'an AbortSignal', signal);
}

function checkThreshold(threshold: number | undefined): void {
  const holds = threshold === undefined || (threshold >= 0 && threshold <= 1);
  checkOption(holds, 'threshold', 'a number from 0 to 1', threshold);
}

function checkTexts(texts: readonly string[], name: string): void {
  checkOption(Array.isArray(texts), name, 'an array of strings', texts);
  for (const [index, text] of texts.entries())
    checkOption(typeof text === 'string', `${name}[${index}]`, 'a string', text);
}

function checkDocuments(documents: readonly EmbedderDocument[]): void {
  checkOption(Array.isArray(documents), 'documents', 'an array', documents);
  for (const [index, document] of documents.entries()) {
    const name = `documents[${index}]`;
    checkOption(typeof document?.text === 'string', `${name}.text`, 'a string', document?.text);
    const { mentions = [] } = document;
    checkOption(Array.isArray(mentions), `${name}.mentions`, 'an array of { start, end }', mentions);
    for (const span of mentions) {
      const whole = Number.isSafeInteger(span?.start) && Number.isSafeInteger(span?.end);
      checkOption(whole, `${name}.mentions`, 'whole numbers start and end', `${span?.start} and ${span?.end}`);
    }
  }
}
