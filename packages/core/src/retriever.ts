import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { IndexBackend } from '@ner-retriever/native';
import { checkOption, checkOptions } from './check-options.js';
import { type DocumentMentions, Embedder, type MentionEmbeddings } from './embedder.js';
import { NerRetrieverError } from './errors.js';
import { addDocuments, type EncodedDocument } from './index/add-documents.js';
import type { Refusal, SkippedInDocument } from './index/add-progress.js';
import { AddRun } from './index/add-run.js';
import { IndexFolder } from './index/index-folder.js';
import type { IndexWriter } from './index/index-writer.js';
import type { Manifest } from './index/manifest.js';
import type { Mention } from './mentions/mention.js';
import type { MentionDetector } from './mentions/mention-detector.js';
import { type ResolvedModel, resolveModel } from './model/resolve-model.js';
import type { CutOff } from './search/cut-off/estimate-cut-off.js';
import type { Hit } from './search/hit.js';
import { Searcher } from './search/searcher.js';
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
  /** What searches the vectors: `exact` (default) or `faiss`. */
  readonly backend?: IndexBackend;
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
  readonly onRefused?: (refusal: Refusal) => void;
  /** Told of every mention that cannot be used, once its document is in. */
  readonly onSkipped?: (skipped: SkippedInDocument) => void;
}

export interface SearchOptions {
  /** At most so many documents. Default: 10. */
  readonly limit?: number;
  /**
   * Only documents that score at least this much; `auto`: as much as the type's last document is estimated to score, from the whole
   * ranking (docs/cut-off.md says how good that is). Default: no limit. Not with `hybrid`, whose scores are sums of places.
   */
  readonly minScore?: number | 'auto';
  /**
   * What ranks: `vectors` (default), or `hybrid`, vectors fused with BM25 over the documents' texts. The hits are the same documents,
   * each with its best mention by vectors, in another order. Documents without a mention are never hits.
   */
  readonly mode?: SearchMode;
  readonly signal?: AbortSignal;
}

export type SearchMode = 'vectors' | 'hybrid';

export interface SearchResult {
  /** Best first; equal scores: the document that was added first. */
  readonly hits: Hit[];
  /** With `minScore` `auto`: the estimate, and how many documents there are above it, whatever the limit. */
  readonly cutOff?: CutOff;
  readonly elapsedMs: number;
}

export interface IndexInfo {
  /** Absolute path of the index folder. */
  readonly directory: string;
  readonly formatVersion: number;
  readonly documents: number;
  /** Mentions that have a vector. */
  readonly mentions: number;
  /** Columns of a vector. */
  readonly dimensions: number;
  /** All files of the index. */
  readonly bytes: number;
  readonly model: {
    readonly name: string;
    readonly version: string;
    readonly fingerprint: string;
    /** Where it was opened from. */
    readonly directory: string;
  };
}

/**
 * An index folder with the model that made it: documents in, a type description in, the documents that mention an entity of the type
 * out. Nothing is re-read to answer; every document was read once, when it was added.
 */
export class Retriever {
  readonly #folder: IndexFolder;
  readonly #embedder: Embedder;
  readonly #searcher: Searcher;
  readonly #readOnly: boolean;
  readonly #chunkCharacters: number;
  /** Calls under way, which `close` waits for. */
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  private constructor(folder: IndexFolder, embedder: Embedder, options: RetrieverOptions) {
    const { backend, readOnly = false, workers = availableParallelism() } = options;
    this.#folder = folder;
    this.#embedder = embedder;
    this.#searcher = new Searcher(folder, backend && { backend });
    this.#readOnly = readOnly;
    this.#chunkCharacters = charactersPerWorker * workers;
  }

  /**
   * Opens an index folder. Searching needs no more than this; the first `add` or `delete` takes the writer's lock, for as long as it
   * runs.
   *
   * @throws NerRetrieverError INDEX_NOT_FOUND, NOT_AN_INDEX, INDEX_FORMAT_NEWER, INDEX_DAMAGED, INDEX_MODEL_MISMATCH,
   *   INDEX_MODEL_MISSING, MODEL_… where the model folder is not what it should be, and HUB_… where it cannot be downloaded
   */
  static async open(directory: string, options: RetrieverOptions = {}): Promise<Retriever> {
    checkOption(typeof directory === 'string' && directory !== '', 'the index', 'the path of a folder', directory);
    checkOptions('Retriever.open', options, [
      'create',
      'model',
      'detector',
      'readOnly',
      'workers',
      'backend',
      'signal',
    ]);
    const { create = false, readOnly = false, workers = readOnly ? 1 : undefined, detector, backend, signal } = options;
    checkOption(typeof create === 'boolean', 'create', 'true or false', create);
    checkOption(typeof readOnly === 'boolean', 'readOnly', 'true or false', readOnly);
    checkOption(!(create && readOnly), 'create', 'false with readOnly', create);
    checkOption(
      backend === undefined || backend === 'exact' || backend === 'faiss',
      'backend',
      'exact or faiss',
      backend,
    );

    const root = resolve(directory);
    const manifest = await IndexFolder.inspect(root);
    if (!manifest && !create) throw new NerRetrieverError('INDEX_NOT_FOUND', { directory });
    const model = options.model ?? rememberedModel(manifest, directory);
    const resolved = model === undefined ? undefined : await resolveModel(model, signal && { signal });
    const embedder = await Embedder.open(resolved?.directory, {
      ...(workers !== undefined && { workers }),
      ...(detector !== undefined && { detector }),
      ...(signal && { signal }),
    });
    try {
      if (!manifest) await createIndex(root, embedder, resolved);
      const folder = await IndexFolder.open(root);
      checkModel(folder, embedder);
      return new Retriever(folder, embedder, options);
    } catch (error) {
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
            detector: identityOf(this.#embedder.detector),
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
   * @throws NerRetrieverError OPTION_…, CLOSED, INDEX_DAMAGED, DESCRIPTION_EMPTY, INDEX_WORDS_MISSING
   */
  async search(description: string, options: SearchOptions = {}): Promise<SearchResult> {
    const startedAt = performance.now();
    const [result] = await this.searchMany([description], options);
    return { hits: [], ...result, elapsedMs: performance.now() - startedAt };
  }

  /** `search` for many descriptions in one pass; results in their order. */
  async searchMany(
    descriptions: readonly string[],
    options: SearchOptions = {},
  ): Promise<Omit<SearchResult, 'elapsedMs'>[]> {
    checkOptions('search', options, ['limit', 'minScore', 'mode', 'signal']);
    const { limit = 10, minScore = Number.NEGATIVE_INFINITY, mode, signal } = options;
    checkOption(Number.isSafeInteger(limit) && limit >= 1, 'limit', 'a whole number of at least 1', limit);
    checkRanking(options);
    this.#checkOpen();
    return this.#track(
      (async () => {
        const queries = await this.#embedder.embedTypes(descriptions, signal && { signal });
        if (minScore === 'auto') {
          const cutOffs = await this.#searcher.cutOffs(queries);
          const minScores = cutOffs.map((cutOff) => cutOff.minScore);
          const found = await this.#searcher.search(queries, limit, minScores);
          return cutOffs.map((cutOff, place) => ({ hits: found[place] ?? [], cutOff }));
        }
        const found =
          mode === 'hybrid'
            ? await this.#searcher.searchHybrid(descriptions, queries, limit)
            : await this.#searcher.search(queries, limit, minScore);
        return found.map((hits) => ({ hits }));
      })(),
    );
  }

  /**
   * The whole ranking, streamed best first: every document that has a vector, exactly once, as the index is when the iteration
   * begins.
   */
  async *searchAll(
    description: string,
    options: Omit<SearchOptions, 'limit'> = {},
  ): AsyncGenerator<Hit, void, undefined> {
    checkOptions('searchAll', options, ['minScore', 'mode', 'signal']);
    const { minScore = Number.NEGATIVE_INFINITY, mode, signal } = options;
    checkRanking(options);
    this.#checkOpen();
    const query = await this.#track(this.#embedder.embedTypes([description], signal && { signal }));
    const [cutOff] = minScore === 'auto' ? await this.#track(this.#searcher.cutOffs(query)) : [];
    const hits =
      mode === 'hybrid'
        ? this.#searcher.searchAllHybrid(description, query)
        : this.#searcher.searchAll(query.data, cutOff?.minScore ?? (minScore as number));
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

  /** What the index holds now. */
  info(): IndexInfo {
    this.#checkOpen();
    const { directory, manifest } = this.#folder;
    const { name, version, fingerprint } = manifest.model;
    const { documents, mentions } = this.#folder.totals();
    return {
      directory,
      formatVersion: manifest.format,
      documents,
      mentions,
      dimensions: manifest.dimensions,
      bytes: this.#folder.bytes(),
      model: { name, version, fingerprint, directory: this.#embedder.model.directory },
    };
  }

  /** Lets what is under way finish, then closes index and model. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      while (this.#running.size > 0) await Promise.allSettled(this.#running);
      await this.#embedder.close();
      this.#folder.close();
    })();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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

/** Path of the model that made an index, or its id where it comes from the hub and its cache is gone; undefined: the bundled one. */
function rememberedModel(manifest: Manifest | null, directory: string): string | undefined {
  const path = manifest?.model.path ?? undefined;
  if (manifest && path !== undefined && !existsSync(path)) {
    if (manifest.model.source !== undefined) return manifest.model.source;
    throw new NerRetrieverError('INDEX_MODEL_MISSING', { directory, name: manifest.model.name, path });
  }
  return path;
}

async function createIndex(directory: string, { model }: Embedder, given: ResolvedModel | undefined): Promise<void> {
  const { name, version, dimensions } = model.description;
  const path = given === undefined ? null : model.directory;
  const source = given?.source ?? null;
  const made = { name, version, fingerprint: model.fingerprint, path, ...(source !== null && { source }) };
  await IndexFolder.create(directory, made, dimensions);
}

/** What tells an index whether a document was read with the same detector; null: the model's own. */
function identityOf(detector: MentionDetector | null): string | null {
  return detector && [detector.name, detector.fingerprint ?? ''].join('\n');
}

/** Vectors of two models cannot be compared: a ranking over them would be noise that looks like an answer. */
function checkModel({ directory, manifest }: IndexFolder, { model }: Embedder): void {
  const { name, version, fingerprint } = manifest.model;
  if (fingerprint === model.fingerprint && manifest.dimensions === model.description.dimensions) return;
  throw new NerRetrieverError('INDEX_MODEL_MISMATCH', {
    directory,
    expectedName: `${name} ${version}`,
    expected: fingerprint,
    receivedName: `${model.description.name} ${model.description.version}`,
    received: model.fingerprint,
  });
}

function checkRanking({ mode = 'vectors', minScore }: SearchOptions): void {
  checkOption(mode === 'vectors' || mode === 'hybrid', 'mode', 'vectors or hybrid', mode);
  if (minScore === undefined) return;
  const known = minScore === 'auto' || (typeof minScore === 'number' && !Number.isNaN(minScore));
  checkOption(known, 'minScore', 'a number or auto', minScore);
  // A sum of places says which document is before which, not whether one is good enough.
  checkOption(mode !== 'hybrid', 'minScore', 'none with mode hybrid', minScore);
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
