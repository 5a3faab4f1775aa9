import { NerRetrieverError } from '../errors.js';
import type { Mention } from '../mentions/mention.js';
import type { Document, Source } from '../text/document.js';
import type { Catalog } from './catalog.js';
import { SegmentWriter } from './segment-writer.js';
import { storageError } from './storage-error.js';
import type { PlacedDocument } from './stored-document.js';
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
  readonly #directory: string;
  readonly #dimensions: number;
  readonly #lock: WriterLock;
  readonly #catalog: Catalog;
  readonly #segments: SegmentWriter;
  #closed = false;

  private constructor(
    directory: string,
    dimensions: number,
    lock: WriterLock,
    catalog: Catalog,
    segments: SegmentWriter,
  ) {
    this.#directory = directory;
    this.#dimensions = dimensions;
    this.#lock = lock;
    this.#catalog = catalog;
    this.#segments = segments;
  }

  /** @param catalog opens the connection to write with, once the lock is held; it stays the caller's */
  static async open(directory: string, dimensions: number, catalog: () => Catalog): Promise<IndexWriter> {
    let lock: WriterLock | undefined;
    try {
      lock = await WriterLock.acquire(directory);
      const connection = catalog();
      connection.startNotingIds();
      const segments = await SegmentWriter.open(directory, dimensions, connection.lastSegment());
      return new IndexWriter(directory, dimensions, lock, connection, segments);
    } catch (error) {
      lock?.release();
      throw storageError(error, directory);
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
      throw storageError(error, this.#directory);
    }
  }

  /** True where there was a document with the id. Durable on return. */
  delete(id: string): boolean {
    return this.#guard(() => {
      const found = this.#catalog.find(id);
      if (found) this.#catalog.write(() => this.#catalog.count(-1, -this.#catalog.removeDocument(found.ordinal)));
      return found !== undefined;
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#segments.close();
      this.#catalog.forgetIds();
      this.#catalog.checkpoint();
    } catch (error) {
      throw storageError(error, this.#directory);
    } finally {
      this.#lock.release();
    }
  }

  async #commit(entries: readonly IndexEntry[]): Promise<CommitResult> {
    const firstRow = this.#catalog.totals().rows;
    const firstOrdinal = this.#catalog.lastOrdinal() + 1;
    const rows = entries.reduce((sum, entry) => sum + entry.mentions.length, 0);
    this.#checkRoom('documents', firstOrdinal + entries.length);
    this.#checkRoom('mentions', firstRow + rows);

    const vectors = new Float32Array(rows * this.#dimensions);
    const documents = new Uint32Array(rows);
    const placed: PlacedDocument[] = [];
    let row = 0;
    for (const [index, { document, content, mentions, vectors: own }] of entries.entries()) {
      vectors.set(own, row * this.#dimensions);
      documents.fill(firstOrdinal + index, row, row + mentions.length);
      placed.push({ ordinal: firstOrdinal + index, document, content, firstRow: firstRow + row, mentions });
      row += mentions.length;
    }

    // Vectors first: the catalog must never count on bytes that are not on the disk.
    const appended = rows > 0 ? await this.#segments.append(vectors, documents) : undefined;
    let replaced = 0;
    let dead = 0;
    this.#catalog.write(() => {
      for (const document of placed) {
        const old = this.#catalog.find(document.document.id);
        if (old) {
          dead += this.#catalog.removeDocument(old.ordinal);
          replaced += 1;
        }
        this.#catalog.addDocument(document);
      }
      if (appended) this.#catalog.addBlock({ ...appended, firstRow, rows });
      this.#catalog.count(placed.length - replaced, rows - dead);
    });
    this.#segments.accept(rows);
    return { replaced, mentions: rows };
  }

  #checkRoom(what: string, count: number): void {
    const maximum = 2 ** 32 - 1;
    if (count > maximum) throw new NerRetrieverError('INDEX_FULL', { directory: this.#directory, what, maximum });
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storageError(error, this.#directory);
    }
  }
}
