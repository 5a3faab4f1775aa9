import { NerRetrieverError } from '../errors.js';
import type { Mention } from '../mentions/mention.js';
import type { Document, Source } from '../text/document.js';
import { removeStaleApproximate } from './approximate/approximate-record.js';
import { indexBytes } from './care/index-bytes.js';
import type { Catalog } from './catalog/catalog.js';
import type { PlacedDocument } from './catalog/stored-document.js';
import { Compaction, type CompactionOptions, type CompactionSummary } from './segments/compaction.js';
import { removeSegmentsExcept, SegmentWriter, type VectorLayout } from './segments/segment-writer.js';
import { storageError } from './storage-error.js';
import { WriterLock } from './writer-lock.js';

/** A document that is ready to be stored. */
export interface IndexEntry {
  readonly document: Document;
  /** Digest of all that decides the document's rows: the same digest means nothing to do. */
  readonly content: Uint8Array;
  /** The mentions that have a vector, and their vectors row for row: [mentions.length, dimensions]. */
  readonly mentions: readonly Mention[];
  readonly vectors: Float32Array;
}

export interface CommitResult {
  /** Documents that took the place of one with the same id. */
  readonly replaced: number;
  readonly mentions: number;
}

/** The one writer of an index folder: holds the lock from `open` to `close`. Its calls are made one at a time. */
export class IndexWriter {
  readonly #layout: VectorLayout;
  readonly #lock: WriterLock;
  readonly #catalog: Catalog;
  #segments: SegmentWriter;
  /** Where a commit's vectors are put together, again and again: large arrays that are thrown away keep the garbage collector busy. */
  #vectors = new Float32Array(0);
  #closed = false;

  private constructor(layout: VectorLayout, lock: WriterLock, catalog: Catalog, segments: SegmentWriter) {
    this.#layout = layout;
    this.#lock = lock;
    this.#catalog = catalog;
    this.#segments = segments;
  }

  /** @param catalog opens the connection to write with, once the lock is held; it stays the caller's */
  static async open(layout: VectorLayout, catalog: () => Catalog): Promise<IndexWriter> {
    let lock: WriterLock | undefined;
    try {
      lock = await WriterLock.acquire(layout.directory);
      const connection = catalog();
      connection.startNotingIds();
      const segments = await SegmentWriter.open(layout, connection.lastSegment());
      const writer = new IndexWriter(layout, lock, connection, segments);
      await writer.#removeDeadSegments();
      return writer;
    } catch (error) {
      lock?.release();
      throw storageError(error, layout.directory);
    }
  }

  /** Notes that this run gave an id; where it did so before, returns where. */
  noteId(id: string, { file, line }: Source): Source | undefined {
    return this.#guard(() => this.#catalog.noteId(id, file, line));
  }

  /** True where the index holds the very same document already. */
  holds(id: string, content: Uint8Array): boolean {
    return this.#guard(() => this.#catalog.find(id)?.content.equals(content) ?? false);
  }

  /** Stores documents: all of them are durable when this resolves, or none is there. An id that is there already is replaced. */
  async commit(entries: readonly IndexEntry[]): Promise<CommitResult> {
    try {
      return await this.#commit(entries);
    } catch (error) {
      throw storageError(error, this.#layout.directory);
    }
  }

  /** True where there was a document with the id. Durable on return. */
  delete(id: string): boolean {
    return this.#guard(() => {
      const found = this.#catalog.find(id);
      if (found) this.#catalog.write(() => this.#catalog.removeDocument(found.ordinal));
      return found !== undefined;
    });
  }

  /**
   * Writes the vectors anew without the rows that count no more, and gives their room back, in the catalog too. Until all of it is
   * done the index is as it was; searches go on meanwhile.
   */
  async compact(options: CompactionOptions): Promise<CompactionSummary> {
    const startedAt = performance.now();
    try {
      const before = indexBytes(this.#layout.directory).total;
      const compaction = new Compaction(this.#layout, this.#catalog, this.#segments, options);
      const rows = await compaction.run();
      await this.#removeDeadSegments();
      await removeStaleApproximate(this.#layout.directory, this.#catalog.totals().generation);
      this.#catalog.shrink();
      this.#catalog.checkpoint();
      const freedBytes = Math.max(0, before - indexBytes(this.#layout.directory).total);
      return { ...rows, freedBytes, elapsedMs: performance.now() - startedAt };
    } catch (error) {
      await this.#abandon();
      throw storageError(error, this.#layout.directory);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#segments.close();
      this.#catalog.forgetIds();
      this.#catalog.checkpoint();
    } catch (error) {
      throw storageError(error, this.#layout.directory);
    } finally {
      this.#lock.release();
    }
  }

  async #commit(entries: readonly IndexEntry[]): Promise<CommitResult> {
    const totals = this.#catalog.totals();
    const firstOrdinal = totals.lastOrdinal + 1;
    const rows = entries.reduce((sum, entry) => sum + entry.mentions.length, 0);
    this.#checkRoom('documents', firstOrdinal + entries.length);
    this.#checkRoom('mentions', totals.rows + rows);

    const vectors = this.#vectorsOf(rows);
    const documents = new Uint32Array(rows);
    const placed: PlacedDocument[] = [];
    let row = 0;
    for (const [index, { document, content, mentions, vectors: own }] of entries.entries()) {
      vectors.set(own, row * this.#layout.dimensions);
      documents.fill(firstOrdinal + index, row, row + mentions.length);
      placed.push({ ordinal: firstOrdinal + index, document, content, mentions });
      row += mentions.length;
    }

    // Vectors first: the catalog must never count on bytes that are not on the disk.
    const appended = rows > 0 ? await this.#segments.append(vectors, documents) : undefined;
    let replaced = 0;
    this.#catalog.write(() => {
      for (const document of placed) {
        const old = this.#catalog.find(document.document.id);
        if (old) {
          this.#catalog.removeDocument(old.ordinal);
          replaced += 1;
        }
        this.#catalog.addDocument(document);
      }
      if (appended) this.#catalog.addBlock(appended);
    });
    this.#segments.accept(rows);
    return { replaced, mentions: rows };
  }

  #vectorsOf(rows: number): Float32Array {
    const values = rows * this.#layout.dimensions;
    if (values > this.#vectors.length) this.#vectors = new Float32Array(values);
    return this.#vectors.subarray(0, values);
  }

  /** What a compaction has read and replaced, or what a kill left of one. */
  async #removeDeadSegments(): Promise<void> {
    const counted = this.#catalog.segments().map(({ segment }) => segment);
    counted.push(this.#catalog.lastSegment().segment);
    await removeSegmentsExcept(this.#layout.directory, new Set(counted));
  }

  /** Goes back to the segment that the catalog counts on. */
  async #abandon(): Promise<void> {
    await this.#segments.close();
    this.#segments = await SegmentWriter.open(this.#layout, this.#catalog.lastSegment());
    await this.#removeDeadSegments();
  }

  #checkRoom(what: string, count: number): void {
    const maximum = 2 ** 32 - 1;
    if (count > maximum)
      throw new NerRetrieverError('INDEX_FULL', { directory: this.#layout.directory, what, maximum });
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storageError(error, this.#layout.directory);
    }
  }
}
