import type { Document, DocumentRecord } from '../../text/document.js';
import type { IndexEntry, IndexWriter } from '../index-writer.js';
import type { AddProgress, AddSummary, Refusal, RefusedRecord, SkippedInDocument } from './add-progress.js';
import { type AdmissionOptions, type AdmittedDocument, admitRecord, isRecord } from './admit-record.js';
import { encodeOnce } from './encode-once.js';
import type { EncodeDocuments, EncodedDocument } from './encoded-document.js';
import { Ticker, tick } from './ticker.js';

export interface AddDocumentsOptions extends AdmissionOptions {
  readonly records: Iterable<Document | DocumentRecord> | AsyncIterable<Document | DocumentRecord>;
  readonly writer: IndexWriter;
  readonly encode: EncodeDocuments;
  /** Characters that one call of `encode` takes to be worth it. */
  readonly chunkCharacters: number;
  readonly strict: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onRefused: ((refused: RefusedRecord) => void) | undefined;
  readonly onSkipped: ((skipped: SkippedInDocument) => void) | undefined;
  readonly report: (progress: AddProgress) => void;
}

/** Calls of `encode` under way: while what one gave is written, the other keeps the encoder busy. */
const callsInFlight = 2;

const chunkDocuments = 2048;
const chunkRecords = 16_384;

/** A commit is made when any of these is reached: often enough that a kill costs little, seldom enough that syncing costs little. */
const commitDocuments = 1000;
const commitBytes = 64 * 1024 * 1024;
const commitMs = 2000;

/** The summary holds the first so many; memory does not grow with what is wrong with the input. */
const listed = 100;

/** Documents that are encoded in one call, and how far the reading was behind them. */
interface Chunk {
  readonly documents: AdmittedDocument[];
  characters: number;
  records: number;
  bytes: number;
}

interface EncodedChunk {
  readonly documents: readonly (AdmittedDocument & EncodedDocument)[];
  readonly bytes: number;
}

/**
 * Reads, encodes and stores, all at once and with bounded memory: chunks of documents are encoded a few at a time and committed in the
 * order of the input.
 */
export async function addDocuments(options: AddDocumentsOptions): Promise<AddSummary> {
  return new Adding(options).run();
}

class Adding {
  readonly #options: AddDocumentsOptions;
  readonly #startedAt = performance.now();
  /** Aborted by the caller, or by this run when it fails: then what is under way is not wanted any more. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #ticker: Ticker;
  readonly #encodeOnce: EncodeDocuments;

  /** Encoded and not yet committed. */
  #waiting: (AdmittedDocument & EncodedDocument)[] = [];
  #waitingBytes = 0;
  #committedAt = performance.now();

  readonly #counts = {
    documents: 0,
    replaced: 0,
    unchanged: 0,
    refused: 0,
    mentions: 0,
    skippedMentions: 0,
    tokens: 0,
    bytes: 0,
  };
  readonly #refusals: Refusal[] = [];
  readonly #skipped: SkippedInDocument[] = [];
  /** Why the reading ended before the input did; what was read before it is committed all the same. */
  #endedBy: { readonly error: unknown } | undefined;

  constructor(options: AddDocumentsOptions) {
    this.#options = options;
    const { signal, encode } = options;
    this.#encodeOnce = encodeOnce(encode);
    this.#signal = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
    this.#ticker = new Ticker(500, this.#signal);
  }

  async run(): Promise<AddSummary> {
    const chunks = this.#chunks();
    const inFlight: Promise<EncodedChunk | null>[] = [];
    const refill = () => {
      while (inFlight.length < callsInFlight) {
        const encoded = chunks.next().then(({ done, value }) => (done ? null : this.#encode(value)));
        encoded.catch(() => undefined); // waited for below, maybe later than it fails
        inFlight.push(encoded);
      }
    };
    try {
      for (;;) {
        refill();
        const encoded = await this.#ticker.race(inFlight[0] as Promise<EncodedChunk | null>);
        if (encoded === null) break;
        if (encoded !== tick) {
          inFlight.shift();
          refill();
          this.#queue(encoded);
        }
        if (this.#isCommitDue()) await this.#commit();
        else if (encoded !== tick && encoded.documents.length === 0) this.#report();
      }
      await this.#commit();
      if (this.#endedBy) throw this.#endedBy.error;
      return { ...this.#progress(), refusals: this.#refusals, skipped: this.#skipped };
    } finally {
      this.#stop.abort();
      await Promise.allSettled(inFlight);
      await chunks.return();
      this.#ticker.stop();
    }
  }

  /** Reads records into chunks. A source that pauses does not hold back what it has given. */
  async *#chunks(): AsyncGenerator<Chunk, void, undefined> {
    const { records } = this.#options;
    const iterator = Symbol.asyncIterator in records ? records[Symbol.asyncIterator]() : records[Symbol.iterator]();
    let chunk = newChunk();
    let position = 0;
    let ended = false;
    try {
      while (!this.#endedBy) {
        const pending = Promise.resolve(iterator.next());
        let next = await this.#ticker.race(pending);
        while (next === tick) {
          if (chunk.records > 0) {
            yield chunk;
            chunk = newChunk();
          }
          next = await this.#ticker.race(pending);
        }
        if (next.done) {
          ended = true;
          break;
        }
        position += 1;
        chunk.records += 1;
        this.#admit(next.value, position, chunk);
        if (isFull(chunk, this.#options.chunkCharacters)) {
          yield chunk;
          chunk = newChunk();
        }
      }
    } catch (error) {
      this.#signal.throwIfAborted();
      // Most likely the source broke: what it gave before still goes in.
      ended = true;
      this.#endedBy = { error };
    } finally {
      // Not waited for: a source that is waiting for its own input answers when that comes, if ever.
      if (!ended) Promise.resolve(iterator.return?.()).catch(() => undefined);
    }
    if (chunk.records > 0) yield chunk;
  }

  /** Puts a record into the chunk, unless it is refused or the index has it already. */
  #admit(record: Document | DocumentRecord, position: number, chunk: Chunk): void {
    if (isRecord(record)) chunk.bytes = record.bytes;
    const admission = admitRecord(record, position, this.#options.writer, this.#options);
    switch (admission.kind) {
      case 'admitted':
        chunk.documents.push(admission.admitted);
        chunk.characters += admission.admitted.document.text.length;
        break;
      case 'refused':
        this.#refuse(admission.refused);
        break;
      case 'unchanged':
        this.#counts.unchanged += 1;
    }
  }

  #refuse(refused: RefusedRecord): void {
    const { source, error } = refused;
    if (this.#options.strict) {
      this.#endedBy = { error };
      return;
    }
    this.#counts.refused += 1;
    if (this.#refusals.length < listed) this.#refusals.push({ source, error });
    this.#options.onRefused?.(refused);
  }

  async #encode({ documents, bytes }: Chunk): Promise<EncodedChunk> {
    if (documents.length === 0) return { documents: [], bytes };
    const encoded = await this.#encodeOnce(
      documents.map(({ document }) => document),
      this.#signal,
    );
    return {
      documents: documents.map((admitted, index) => ({ ...admitted, ...(encoded[index] as EncodedDocument) })),
      bytes,
    };
  }

  #queue({ documents, bytes }: EncodedChunk): void {
    for (const document of documents) {
      this.#waiting.push(document);
      this.#waitingBytes += document.vectors.byteLength + document.document.text.length;
    }
    this.#counts.bytes = bytes;
  }

  #isCommitDue(): boolean {
    if (this.#waiting.length === 0) return false;
    return (
      this.#waiting.length >= commitDocuments ||
      this.#waitingBytes >= commitBytes ||
      performance.now() - this.#committedAt >= commitMs
    );
  }

  async #commit(): Promise<void> {
    const documents = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (documents.length > 0) {
      const entries: IndexEntry[] = documents.map(({ document, content, mentions, vectors }) => ({
        document,
        content,
        mentions,
        vectors,
      }));
      const { replaced, mentions } = await this.#options.writer.commit(entries);
      this.#counts.documents += documents.length;
      this.#counts.replaced += replaced;
      this.#counts.mentions += mentions;
      for (const document of documents) this.#count(document);
    }
    this.#committedAt = performance.now();
    this.#report();
  }

  #count({ document, source, skipped, tokens }: AdmittedDocument & EncodedDocument): void {
    this.#counts.tokens += tokens;
    for (const mention of skipped) {
      const inDocument = { ...mention, source, id: document.id };
      this.#counts.skippedMentions += 1;
      if (this.#skipped.length < listed) this.#skipped.push(inDocument);
      this.#options.onSkipped?.(inDocument);
    }
  }

  #report(): void {
    this.#options.report(this.#progress());
  }

  #progress(): AddProgress {
    return { ...this.#counts, elapsedMs: performance.now() - this.#startedAt };
  }
}

function newChunk(): Chunk {
  return { documents: [], characters: 0, records: 0, bytes: 0 };
}

function isFull({ documents, characters, records }: Chunk, chunkCharacters: number): boolean {
  return characters >= chunkCharacters || documents.length >= chunkDocuments || records >= chunkRecords;
}
