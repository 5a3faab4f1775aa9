import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { Precision } from '@ner-retriever/native';
import { checkOption, checkOptions } from './check-options.js';
import { checkDevice, type DeviceChoice, type DeviceOption } from './device/device-choice.js';
import type { OpenedDevice } from './device/open-device.js';
import { openSearchDevice } from './device/open-search-device.js';
import { type DocumentMentions, Embedder, type MentionEmbeddings } from './embedder.js';
import { NerRetrieverError } from './errors.js';
import { addDocuments } from './index/adding/add-documents.js';
import type { RefusedRecord, SkippedInDocument } from './index/adding/add-progress.js';
import { AddRun } from './index/adding/add-run.js';
import type { EncodedDocument } from './index/adding/encoded-document.js';
import { type CompactOptions, compactionOptions } from './index/care/compact-index.js';
import { folderInfo, type IndexInfo } from './index/care/index-info.js';
import { IndexFolder } from './index/index-folder.js';
import type { IndexWriter } from './index/index-writer.js';
import { checkPrecision } from './index/manifest.js';
import type { CompactionSummary } from './index/segments/compaction.js';
import { checkIndexModel, rememberedModel } from './index-model.js';
import type { Mention } from './mentions/mention.js';
import { detectorIdentity, type MentionDetector } from './mentions/mention-detector.js';
import type { CutOffConstants } from './model/cut-off-constants.js';
import { type ResolvedModel, resolveModel } from './model/resolve-model.js';
import type { ApproximateParameters } from './search/approximate-documents.js';
import type { CutOff } from './search/cut-off/estimate-cut-off.js';
import type { Hit } from './search/hit.js';
import { Searcher } from './search/searcher.js';
import { embedTypeQueries } from './search/type-query/embed-type-queries.js';
import { type ParsedCombination, parseTypeQuery, wordsOf } from './search/type-query/parse-type-query.js';
import type { TypeQuery } from './search/type-query/type-query.js';
import type { Condition } from './search/where/condition.js';
import { parseWhere } from './search/where/parse-where.js';
import type { Where } from './search/where/where.js';
import type { Document, DocumentRecord } from './text/document.js';

export interface RetrieverOptions {
  /** Makes the index if the folder is missing or empty. Default: false. */
  readonly create?: boolean;
  /** A model folder, or the Hugging Face id of a prepared model. Default: the model that made the index; for a new index the bundled English one. */
  readonly model?: string;
  /** Finds the mentions of what is added, instead of the model's own detector. Stays yours to close. */
  readonly detector?: MentionDetector;
  /** Refuses to add and delete. Default: false. */
  readonly readOnly?: boolean;
  /** Encoder threads. Default: one a core; one in all with `readOnly`, where there is little to encode. */
  readonly workers?: number;
  /**
   * Where it is searched, and where documents are encoded. `cuda` is an NVIDIA GPU, or an error; `auto` (default) takes one where it works
   * and pays, and the CPU elsewhere: `Retriever.devices` says which, and why. With `readOnly` the encoder is on the CPU, whatever this says:
   * it reads nothing but type descriptions then.
   */
  readonly device?: DeviceOption;
  /**
   * How a new index keeps its vectors: `int8` (default: bytes are searched, the float32 vectors beside them decide, so that the answer is
   * float32's), `float32`, or `bfloat16` (half the bytes; scores differ from float32's in the third digit). For an index that is there, what it must have.
   */
  readonly precision?: Precision;
  readonly signal?: AbortSignal;
}

export interface AddOptions {
  /**
   * `given`: only the spans that documents have; `detect`: the detector finds all. Default: given spans where a document has them,
   * detected ones elsewhere.
   */
  readonly mentions?: 'given' | 'detect';
  /** Stops at the first record that is refused, with its error; what came before it goes in. Default: false. */
  readonly strict?: boolean;
  /** Ends the run after the commit under way. */
  readonly signal?: AbortSignal;
  /** Told of every record that is refused. */
  readonly onRefused?: (refusal: RefusedRecord) => void;
  /** Told of every mention that cannot be used, once its document is in. */
  readonly onSkipped?: (skipped: SkippedInDocument) => void;
}

export interface SearchOptions {
  /** At most so many documents. Default: 10. */
  readonly limit?: number;
  /**
   * Only documents that score at least this much; `auto`: as much as the type's last document is estimated to score, from the whole
   * ranking (docs/cut-off.md says how good that is, and of which models it can be). Default: no limit. Not with `hybrid`, whose scores are
   * sums of places.
   */
  readonly minScore?: number | 'auto';
  /**
   * What ranks: `vectors` (default), or `hybrid`, vectors fused with BM25 over the documents' texts, twice: the second time the
   * vector has learnt from the first ten hits. The hits are the same documents, each with its best mention by that vector, in another order.
   * Documents without a mention are never hits.
   */
  readonly mode?: SearchMode;
  /** Gives each hit its best mentions by vectors, at most so many, as `mentions`. Default: the best one alone, as `mention`. */
  readonly evidence?: number;
  /**
   * Looks at a part of the rows by the folder's approximate index (see `buildApproximateIndex`): faster, and documents may be missing. How it
   * trades time for recall, or true for the index's own way. Not with `hybrid`, nor for a whole ranking. Default: false, every row is looked at.
   */
  readonly approximate?: boolean | ApproximateParameters;
  /** Only documents whose metadata fits: `{ lang: 'en', year: { $gte: 2000 } }`. Default: all. */
  readonly where?: Where;
  readonly signal?: AbortSignal;
}

export type SearchMode = 'vectors' | 'hybrid';

/** Where a retriever does its work. */
export interface RetrieverDevices {
  readonly search: DeviceChoice;
  readonly encoder: DeviceChoice;
}

export interface SearchResult {
  /** Best first; equal scores: the document that was added first. */
  readonly hits: Hit[];
  /** With `minScore` `auto`: the estimate, and how many documents there are above it, whatever the limit. */
  readonly cutOff?: CutOff;
  readonly elapsedMs: number;
}

/**
 * An index folder with the model that made it: documents in, a type description in, the documents that mention an entity of the type
 * out. Nothing is re-read to answer; every document was read once, when it was added.
 */
export class Retriever {
  readonly #folder: IndexFolder;
  readonly #embedder: Embedder;
  readonly #searcher: Searcher;
  readonly #searchDevice: OpenedDevice;
  readonly #readOnly: boolean;
  readonly #chunkCharacters: number;
  /** Calls under way, which `close` waits for. */
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  private constructor(folder: IndexFolder, embedder: Embedder, searchDevice: OpenedDevice, options: RetrieverOptions) {
    const { readOnly = false, workers = availableParallelism() } = options;
    this.#folder = folder;
    this.#embedder = embedder;
    this.#searcher = new Searcher(folder);
    this.#searchDevice = searchDevice;
    this.#readOnly = readOnly;
    this.#chunkCharacters = charactersPerWorker * workers;
  }

  /**
   * Opens an index folder. Searching needs no more than this; the first `add` or `delete` takes the writer's lock, for as long as it
   * runs.
   *
   * @throws NerRetrieverError INDEX_NOT_FOUND, NOT_AN_INDEX, INDEX_FORMAT_NEWER, INDEX_FORMAT_OLDER, INDEX_DAMAGED,
   *   INDEX_PRECISION_MISMATCH, INDEX_MODEL_MISMATCH, INDEX_MODEL_MISSING, DEVICE_UNAVAILABLE, MODEL_… where the model folder is not what it should be, and HUB_… where it cannot be downloaded
   */
  static async open(directory: string, options: RetrieverOptions = {}): Promise<Retriever> {
    checkOption(typeof directory === 'string' && directory !== '', 'the index', 'the path of a folder', directory);
    checkOptions('Retriever.open', options, [
      'create',
      'model',
      'detector',
      'readOnly',
      'workers',
      'device',
      'precision',
      'signal',
    ]);
    const {
      create = false,
      readOnly = false,
      workers = readOnly ? 1 : undefined,
      device = 'auto',
      detector,
      precision,
      signal,
    } = options;
    checkOption(typeof create === 'boolean', 'create', 'true or false', create);
    checkOption(typeof readOnly === 'boolean', 'readOnly', 'true or false', readOnly);
    checkOption(!(create && readOnly), 'create', 'false with readOnly', create);
    checkDevice(device);

    const root = resolve(directory);
    const manifest = await IndexFolder.inspect(root);
    if (!manifest && !create) throw new NerRetrieverError('INDEX_NOT_FOUND', { directory });
    checkPrecision(directory, manifest, precision);
    const model = options.model ?? rememberedModel(manifest, directory);
    const resolved = model === undefined ? undefined : await resolveModel(model, signal && { signal });
    const embedder = await Embedder.open(resolved?.directory, {
      ...(workers !== undefined && { workers }),
      device: readOnly ? 'cpu' : device,
      ...(detector !== undefined && { detector }),
      ...(signal && { signal }),
    });
    let folder: IndexFolder | undefined;
    try {
      if (!manifest) await createIndex(root, embedder, resolved, precision);
      folder = await IndexFolder.open(root);
      const { description, fingerprint } = embedder.model;
      checkIndexModel(folder.directory, folder.manifest, { ...description, fingerprint });
      const searchDevice = await openSearchDevice(device, folder.totals().rows);
      if (searchDevice.gpu !== null) folder.searchOn(searchDevice.gpu);
      return new Retriever(folder, embedder, searchDevice, options);
    } catch (error) {
      folder?.close();
      await embedder.close();
      throw error;
    }
  }

  /**
   * Adds documents; the run starts at once. Await it for the summary, or iterate it for the progress. An id that the index has already
   * is skipped if the content is the same, and replaced if it is not. What is wrong with a record refuses that record alone. After a
   * stop of any kind, adding the same documents again goes on from the last commit.
   *
   * @throws NerRetrieverError OPTION_…, INDEX_READ_ONLY, CLOSED at once; from the run: INDEX_LOCKED, DISK_FULL, INDEX_DAMAGED,
   *   STORAGE_FAILED, with `strict` the first refusal, the signal's reason, and what the records throw
   */
  add(
    records: Iterable<Document | DocumentRecord> | AsyncIterable<Document | DocumentRecord>,
    options: AddOptions = {},
  ): AddRun {
    checkOptions('add', options, ['mentions', 'strict', 'signal', 'onRefused', 'onSkipped']);
    const { mentions, strict = false, signal, onRefused, onSkipped } = options;
    checkOption(isIterable(records), 'the documents', 'an iterable of documents', records);
    checkOption(
      mentions === undefined || mentions === 'given' || mentions === 'detect',
      'mentions',
      'given or detect',
      mentions,
    );
    checkOption(typeof strict === 'boolean', 'strict', 'true or false', strict);
    checkOption(signal === undefined || signal instanceof AbortSignal, 'signal', 'an AbortSignal', signal);
    this.#checkWritable();
    return new AddRun((report) =>
      this.#track(
        this.#write((writer) =>
          addDocuments({
            records,
            writer,
            encode: async (documents, encodeSignal) =>
              encodedDocuments(
                await this.#embedder.embedMentions(documents, { signal: encodeSignal, ...(mentions && { mentions }) }),
              ),
            chunkCharacters: this.#chunkCharacters,
            mentions,
            detector: detectorIdentity(this.#embedder.detector),
            strict,
            signal,
            onRefused,
            onSkipped,
            report,
          }),
        ),
      ),
    );
  }

  /**
   * The documents that mention an entity of the described type, best first, each once, with its best mention.
   *
   * @param query a description in words, or a combination of descriptions and examples
   * @throws NerRetrieverError OPTION_…, CLOSED, CUT_OFF_UNKNOWN, INDEX_DAMAGED, DESCRIPTION_EMPTY, APPROXIMATE_MISSING, BACKEND_UNAVAILABLE, FAISS_FAILED
   */
  async search(query: TypeQuery, options: SearchOptions = {}): Promise<SearchResult> {
    const startedAt = performance.now();
    const [result] = await this.#search([parseTypeQuery(query, 'query')], options);
    return { hits: [], ...result, elapsedMs: performance.now() - startedAt };
  }

  /** `search` for many descriptions in one pass; results in their order. */
  async searchMany(
    queries: readonly TypeQuery[],
    options: SearchOptions = {},
  ): Promise<Omit<SearchResult, 'elapsedMs'>[]> {
    checkOption(Array.isArray(queries), 'queries', 'an array of type descriptions', queries);
    return this.#search(
      queries.map((query, place) => parseTypeQuery(query, `queries[${place}]`)),
      options,
    );
  }

  /**
   * The whole ranking, streamed best first: every document that has a vector, exactly once, as the index is when the iteration
   * begins.
   */
  async *searchAll(
    query: TypeQuery,
    options: Omit<SearchOptions, 'limit' | 'approximate'> = {},
  ): AsyncGenerator<Hit, void, undefined> {
    checkOptions('searchAll', options, ['minScore', 'mode', 'evidence', 'where', 'signal']);
    const { mode, evidence, signal } = options;
    const parsed = parseTypeQuery(query, 'query');
    checkRanking(options);
    const where = filterOf(options);
    this.#checkOpen();
    const minScore = this.#minScore(options);
    const vector = await this.#track(embedTypeQueries(this.#embedder, [parsed], signal && { signal }));
    const hits =
      mode === 'hybrid'
        ? this.#searcher.searchAllHybrid(wordsOf(parsed), vector, { evidence, where })
        : this.#searcher.searchAll(vector.data, { minScore, evidence, where });
    for await (const hit of hits) {
      signal?.throwIfAborted();
      yield hit;
    }
  }

  /** The document with an id, as it was added; undefined if there is none. */
  async get(id: string): Promise<Document | undefined> {
    this.#checkOpen();
    return this.#folder.get(id);
  }

  /** Takes the document with an id out; false if there is none. Durable when this resolves. */
  async delete(id: string): Promise<boolean> {
    this.#checkWritable();
    return this.#track(this.#write(async (writer) => writer.delete(id)));
  }

  /**
   * Gives back the room that deleted and replaced documents took. Needs as much free disk as the living ones take; until it is done the
   * index is as it was, and searches go on meanwhile.
   *
   * @throws NerRetrieverError OPTION_…, CLOSED, INDEX_READ_ONLY, INDEX_LOCKED, DISK_FULL, INDEX_DAMAGED, and the signal's reason
   */
  async compact(options: CompactOptions = {}): Promise<CompactionSummary> {
    const checked = compactionOptions(options);
    this.#checkWritable();
    return this.#track(this.#write((writer) => writer.compact(checked)));
  }

  /** Where the work is done, and why there. */
  get devices(): RetrieverDevices {
    const fault = this.#folder.deviceFault;
    return {
      search: fault === null ? this.#searchDevice.choice : { device: 'cpu', reason: fault },
      encoder: this.#readOnly ? { device: 'cpu', reason: 'it reads type descriptions alone' } : this.#embedder.device,
    };
  }

  /** What the index holds now. */
  info(): IndexInfo {
    this.#checkOpen();
    const info = folderInfo(this.#folder);
    return { ...info, model: { ...info.model, directory: this.#embedder.model.directory } };
  }

  /** Lets what is under way finish, then closes index and model. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      while (this.#running.size > 0) await Promise.allSettled(this.#running);
      await this.#embedder.close();
      this.#folder.close();
      await this.#searchDevice.gpu?.close();
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #search(
    queries: readonly (string | ParsedCombination)[],
    options: SearchOptions,
  ): Promise<Omit<SearchResult, 'elapsedMs'>[]> {
    checkOptions('search', options, ['limit', 'minScore', 'mode', 'evidence', 'approximate', 'where', 'signal']);
    const { limit = 10, mode, evidence, signal } = options;
    const approximate = options.approximate === true ? {} : options.approximate || undefined;
    checkOption(Number.isSafeInteger(limit) && limit >= 1, 'limit', 'a whole number of at least 1', limit);
    checkRanking(options);
    const where = filterOf(options);
    this.#checkOpen();
    const minScore = this.#minScore(options);
    return this.#track(
      (async () => {
        const vectors = await embedTypeQueries(this.#embedder, queries, signal && { signal });
        if (mode !== 'hybrid') {
          return this.#searcher.search(vectors, limit, { minScore, evidence, approximate, where });
        }
        const found = await this.#searcher.searchHybrid(queries.map(wordsOf), vectors, limit, { evidence, where });
        return found.map((hits) => ({ hits }));
      })(),
    );
  }

  /** As the searcher takes it: what is to be estimated, by the model's constants. */
  #minScore({ minScore }: SearchOptions): number | CutOffConstants | undefined {
    if (minScore !== 'auto') return minScore;
    const { name, version, cutOff } = this.#embedder.model.description;
    if (cutOff === undefined) throw new NerRetrieverError('CUT_OFF_UNKNOWN', { model: `${name} ${version}` });
    return cutOff;
  }

  #checkOpen(): void {
    if (this.#closing) throw new NerRetrieverError('CLOSED', { what: `The index "${this.#folder.directory}"` });
  }

  #checkWritable(): void {
    this.#checkOpen();
    if (!this.#readOnly) return;
    const reason = 'it was opened with readOnly';
    throw new NerRetrieverError('INDEX_READ_ONLY', { directory: this.#folder.directory, reason });
  }

  /** Runs `work` as the one writer of the index. */
  async #write<T>(work: (writer: IndexWriter) => Promise<T>): Promise<T> {
    const writer = await this.#folder.openWriter();
    try {
      return await work(writer);
    } finally {
      await writer.close();
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    const ended = () => this.#running.delete(work);
    work.then(ended, ended);
    return work;
  }
}

/** Text for a worker in one call of the encoder: enough to sort by length, little enough that commits come often. */
const charactersPerWorker = 48_000;

async function createIndex(
  directory: string,
  { model }: Embedder,
  given: ResolvedModel | undefined,
  precision: Precision = 'int8',
): Promise<void> {
  const { name, version, dimensions } = model.description;
  const path = given === undefined ? null : model.directory;
  const source = given?.source ?? null;
  const made = { name, version, fingerprint: model.fingerprint, path, ...(source !== null && { source }) };
  await IndexFolder.create(directory, { model: made, dimensions, precision });
}

function checkRanking({ mode = 'vectors', minScore, evidence = 1, approximate = false }: SearchOptions): void {
  checkOption(mode === 'vectors' || mode === 'hybrid', 'mode', 'vectors or hybrid', mode);
  checkOption(Number.isSafeInteger(evidence) && evidence >= 1, 'evidence', 'a whole number of at least 1', evidence);
  checkApproximate(approximate, mode);
  // An approximate ranking is not whole, and only the whole one tells where the type ends.
  checkOption(minScore !== 'auto' || approximate === false, 'minScore', 'a number with approximate', minScore);
  if (minScore === undefined) return;
  const known = minScore === 'auto' || (typeof minScore === 'number' && !Number.isNaN(minScore));
  checkOption(known, 'minScore', 'a number or auto', minScore);
  // A sum of places says which document is before which, not whether one is good enough.
  checkOption(mode !== 'hybrid', 'minScore', 'none with mode hybrid', minScore);
}

function checkApproximate(approximate: boolean | ApproximateParameters, mode: SearchMode): void {
  if (approximate === false) return;
  // Fusion is defined over whole rankings.
  checkOption(mode !== 'hybrid', 'approximate', 'false with mode hybrid', approximate);
  if (approximate === true) return;
  checkOptions('approximate', approximate, ['nprobe', 'efSearch', 'refineFactor']);
  for (const [name, value] of Object.entries(approximate)) {
    checkOption(typeof value === 'number' && value >= 1, `approximate.${name}`, 'a number of at least 1', value);
  }
}

function filterOf({ where }: SearchOptions): Condition | undefined {
  return where === undefined ? undefined : parseWhere(where);
}

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
}

/** What the encoder found, document by document, without the rows that cannot be used. */
function encodedDocuments({ documents, matrix }: MentionEmbeddings): EncodedDocument[] {
  return documents.map((document) => {
    const { skipped, tokens, mentions, firstRow, rows } = document;
    const { columns, data } = matrix;
    const all = data.subarray(firstRow * columns, (firstRow + rows) * columns);
    if (skipped.length === 0) return { mentions, vectors: all, skipped, tokens };
    return { ...usable(document, all, columns), skipped, tokens };
  });
}

/** Rows that cannot be used are NaN throughout. */
function usable(
  { mentions }: DocumentMentions,
  rows: Float32Array,
  columns: number,
): { mentions: Mention[]; vectors: Float32Array } {
  const kept = mentions.filter((_, row) => !Number.isNaN(rows[row * columns]));
  const vectors = new Float32Array(kept.length * columns);
  let place = 0;
  for (let row = 0; row < mentions.length; row += 1) {
    if (Number.isNaN(rows[row * columns])) continue;
    vectors.set(rows.subarray(row * columns, (row + 1) * columns), place * columns);
    place += 1;
  }
  return { mentions: kept, vectors };
}
