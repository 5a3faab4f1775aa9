import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as pause } from 'node:timers/promises';
import { crc32c } from '@ner-retriever/native';
import { NerRetrieverError } from '../../errors.js';
import { checkApproximateFile, readApproximateRecord } from '../approximate/approximate-record.js';
import { Catalog, catalogFile } from '../catalog/catalog.js';
import { type Block, unpackBlock } from '../catalog/stored-block.js';
import { type DocumentColumns, documentFault } from '../catalog/stored-document.js';
import type { Manifest } from '../manifest.js';
import { segmentOf, segmentsDirectory } from '../segments/segment-files.js';
import { storageError } from '../storage-error.js';
import {
  type CountedColumn,
  type CountedColumns,
  closeColumns,
  openCountedColumns,
  readRows,
} from './counted-columns.js';
import { type IndexProblem, IndexProblems } from './index-problems.js';
import { RowOwners } from './row-owners.js';

export interface VerifyProgress {
  /** What is being read. */
  readonly part: 'vectors' | 'documents' | 'catalog';
  readonly bytes: number;
  readonly totalBytes: number;
  readonly elapsedMs: number;
}

/** What a verification found. */
export interface Verification {
  /** True where nothing is wrong. */
  readonly whole: boolean;
  /** The first 100; `problemCount` counts all. */
  readonly problems: readonly IndexProblem[];
  readonly problemCount: number;
  /** What lies in the segments' folder and belongs to no commit: a commit under way, or what a kill left. No problem: the next writer takes it away. */
  readonly uncounted: readonly IndexProblem[];
  readonly documents: number;
  /** Rows of all segments, dead ones included. */
  readonly rows: number;
  readonly segments: number;
  /** Of all that was read. */
  readonly bytes: number;
  readonly elapsedMs: number;
}

/** One reading of an index. Made to be used once. */
export class IndexVerification {
  readonly #directory: string;
  readonly #catalogFile: string;
  readonly #signal: AbortSignal | undefined;
  readonly #report: (progress: VerifyProgress) => void;
  readonly #problems = new IndexProblems();
  readonly #startedAt = performance.now();
  #bytes = 0;
  #totalBytes = 0;
  #documents = 0;

  constructor(
    directory: string,
    options: { signal: AbortSignal | undefined; report: (progress: VerifyProgress) => void },
  ) {
    this.#directory = directory;
    this.#catalogFile = join(directory, catalogFile);
    this.#signal = options.signal;
    this.#report = options.report;
  }

  /** What `work` gives; undefined where it found the index damaged, which is noted. */
  async attempt<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (cause) {
      const error = storageError(cause, this.#directory);
      if (!NerRetrieverError.isInstance(error) || error.code !== 'INDEX_DAMAGED') throw error;
      this.#problems.add(String(error.details.file), String(error.details.reason));
      return undefined;
    }
  }

  /**
   * Undefined where the state that was looked at is over.
   *
   * @param manifest undefined: it is damaged, and only the catalog can be read
   */
  async run(manifest: Manifest | undefined): Promise<Verification | undefined> {
    const catalog = await this.attempt(() => Catalog.openForChecking(this.#directory));
    let segments: CountedColumns[] = [];
    try {
      if (catalog) {
        if (manifest) await this.attempt(() => catalog.checkMark(manifest.catalog));
        await this.attempt(() => catalog.holdSnapshot());
        const blocks = await this.attempt(() => this.#readBlocks(catalog));
        if (manifest && blocks)
          segments = await openCountedColumns({ directory: this.#directory, ...manifest }, blocks);
        if (this.#isOver(catalog, segments)) return undefined;
        const catalogBytes = (await stat(this.#catalogFile)).size;
        this.#totalBytes = countedBytes(segments) + catalogBytes;
        const areOwnersKnown = (await this.#readSegments(segments)) && manifest && blocks;
        await this.attempt(() => this.#readDocuments(catalog, areOwnersKnown ? segments : null, catalogBytes));
        this.#step('catalog', 0);
        await this.attempt(() => this.#checkCatalog(catalog));
        await this.attempt(() => this.#checkApproximate(catalog));
      }
      const uncounted = manifest && catalog ? await this.#uncounted(segments, catalog) : [];
      return {
        whole: this.#problems.count === 0,
        problems: this.#problems.first,
        problemCount: this.#problems.count,
        uncounted,
        documents: this.#documents,
        rows: segments.reduce((sum, { rows }) => sum + rows, 0),
        segments: segments.length,
        bytes: this.#totalBytes,
        elapsedMs: performance.now() - this.#startedAt,
      };
    } catch (error) {
      throw storageError(error, this.#directory);
    } finally {
      await closeColumns(segments);
      catalog?.close();
    }
  }

  /** Undefined where a record was changed: what stands where is not known then. */
  #readBlocks(catalog: Catalog): Block[] | undefined {
    const blocks: Block[] = [];
    const records = catalog.blockRecords(0);
    for (const columns of records) {
      const block = unpackBlock(columns);
      if (block) blocks.push(block);
      else this.#problems.add(this.#catalogFile, `the record of block ${columns[0]} was changed`);
    }
    return blocks.length === records.length ? blocks : undefined;
  }

  /** True where a file is missing because a compaction has taken it away since. */
  #isOver(catalog: Catalog, segments: readonly CountedColumns[]): boolean {
    if (segments.every(({ columns }) => columns.every(({ handle }) => handle !== null))) return false;
    return this.#hasMoved(catalog);
  }

  /** True where a compaction has come since. */
  #hasMoved(catalog: Catalog): boolean {
    const now = Catalog.openForReading(this.#directory);
    try {
      return now.totals().generation !== catalog.totals().generation;
    } catch {
      return false; // damage, which is found in its place
    } finally {
      now.close();
    }
  }

  /** Every byte of the segments that counts. True where the rows' documents can be relied on. */
  async #readSegments(segments: readonly CountedColumns[]): Promise<boolean> {
    let isWhole = true;
    for (const segment of segments) {
      for (const [index, column] of segment.columns.entries()) {
        const found = await this.#readColumn(segment, column, index);
        if (column.name === 'documents') isWhole &&= found;
      }
    }
    return isWhole;
  }

  async #readColumn({ rows, blocks, columns }: CountedColumns, column: CountedColumn, index: number): Promise<boolean> {
    const { file, rowBytes, handle, size } = column;
    if (handle === null || size < rows * rowBytes) {
      const expected = rows * rowBytes;
      const reason = handle ? `it has ${size} bytes where the catalog counts on ${expected}` : 'it is missing';
      this.#problems.add(file, reason);
      return false;
    }
    // The rows of int8's originals have a checksum each, too.
    const rowChecksums = column.name === 'vectors' && columns.find(({ name }) => name === 'checksums');
    const before = this.#problems.count;
    let first = 0;
    for (const block of blocks) {
      let checksum = 0;
      for await (const { row, bytes } of readRows(column, first, first + block.rows)) {
        checksum = crc32c(bytes, checksum);
        if (rowChecksums) await this.#checkRows(column, row, bytes, rowChecksums);
        this.#step('vectors', bytes.length);
      }
      if (checksum !== block.checksums[index]) {
        const rowsOfIt = `rows ${first} to ${first + block.rows - 1}`;
        this.#problems.add(file, `${rowsOfIt} of this segment (block ${block.block}) were changed`);
      }
      first += block.rows;
    }
    return this.#problems.count === before;
  }

  async #checkRows({ file, rowBytes }: CountedColumn, first: number, bytes: Buffer, checksums: CountedColumn) {
    const rows = bytes.length / rowBytes;
    for await (const { row, bytes: expected } of readRows(checksums, first, first + rows)) {
      for (let at = 0; at < expected.length; at += 4) {
        const start = (row - first + at / 4) * rowBytes;
        if (crc32c(bytes.subarray(start, start + rowBytes)) === expected.readUInt32LE(at)) continue;
        this.#problems.add(file, `row ${row + at / 4} of this segment and its checksum do not agree`);
      }
    }
  }

  /**
   * Every document's record, and whose the rows are.
   *
   * @param segments null: their `documents` are damaged, so that nothing can be said of whose the rows are
   */
  async #readDocuments(catalog: Catalog, segments: readonly CountedColumns[] | null, catalogBytes: number) {
    const totals = await this.attempt(() => catalog.totals());
    const dead = await this.attempt(() => catalog.deathsAfter(0));
    const step = catalogBytes / Math.max(1, totals?.documents ?? 0);
    const owners = segments && dead && (await RowOwners.open(segments, dead, this.#problems, this.#catalogFile));
    let mentions = 0;
    let lastOrdinal = 0;
    for (const columns of catalog.documentRecords()) {
      const [ordinal, , , count] = columns;
      this.#checkDocument(columns);
      await owners?.claim(ordinal, count);
      this.#documents += 1;
      mentions += count;
      lastOrdinal = ordinal;
      this.#step('documents', step);
      if (this.#documents % documentsBetweenPauses === 0) await pause();
    }
    await owners?.end();
    if (!totals) return;
    this.#compare('documents', totals.documents, this.#documents);
    this.#compare('mentions', totals.mentions, mentions);
    const counted = catalog.blockRecords(0).reduce((sum, [, , blockRows]) => sum + blockRows, 0);
    this.#compare('rows', totals.rows, counted);
    if (lastOrdinal > totals.lastOrdinal) {
      this.#problems.add(this.#catalogFile, `document ${lastOrdinal} lies beyond the last one that it counts`);
    }
  }

  #checkDocument(columns: DocumentColumns): void {
    const fault = documentFault(columns);
    if (fault !== undefined) this.#problems.add(this.#catalogFile, `the record of document ${columns[0]} ${fault}`);
  }

  #compare(what: string, expected: number, received: number): void {
    if (expected === received) return;
    this.#problems.add(this.#catalogFile, `it counts ${expected} ${what} and has ${received}`);
  }

  /** SQLite's own checks. */
  async #checkCatalog(catalog: Catalog): Promise<void> {
    for (const fault of catalog.structureFaults()) this.#problems.add(this.#catalogFile, fault);
    if (!catalog.wordsAgree()) this.#problems.add(this.#catalogFile, 'its full text and the documents do not agree');
  }

  /** The approximate index, where it stands for the rows as they are. */
  async #checkApproximate(catalog: Catalog): Promise<void> {
    const record = readApproximateRecord(this.#directory);
    if (record?.generation !== catalog.totals().generation) return;
    try {
      await checkApproximateFile(this.#directory, record);
    } catch (error) {
      // A compaction, or another building, may have taken the file away since.
      const isOver = readApproximateRecord(this.#directory)?.file !== record.file || this.#hasMoved(catalog);
      if (!isOver) throw error;
    }
  }

  /** What lies beside the rows that count. */
  async #uncounted(segments: readonly CountedColumns[], catalog: Catalog): Promise<IndexProblem[]> {
    const found: IndexProblem[] = [];
    for (const { columns, rows } of segments) {
      for (const { file, rowBytes, size } of columns) {
        const bytes = size - rows * rowBytes;
        if (bytes > 0) found.push({ file, reason: `${bytes} bytes behind those that count` });
      }
    }
    const counted = new Set(segments.map(({ segment }) => segment));
    const last = await this.attempt(() => catalog.totals().segment);
    const folder = join(this.#directory, segmentsDirectory);
    for (const name of await readdir(folder)) {
      const segment = segmentOf(name);
      // The next commit goes on with the last segment, which may be empty.
      if (segment === undefined || counted.has(segment) || segment === last) continue;
      found.push({ file: join(folder, name), reason: 'a segment that does not count' });
    }
    return found;
  }

  #step(part: VerifyProgress['part'], bytes: number): void {
    this.#signal?.throwIfAborted();
    this.#bytes += bytes;
    this.#report({
      part,
      bytes: Math.round(this.#bytes),
      totalBytes: this.#totalBytes,
      elapsedMs: performance.now() - this.#startedAt,
    });
  }
}

/** Documents that are read before others have their turn. */
const documentsBetweenPauses = 1024;

function countedBytes(segments: readonly CountedColumns[]): number {
  return segments.reduce(
    (sum, { rows, columns }) => sum + columns.reduce((bytes, { rowBytes }) => bytes + rows * rowBytes, 0),
    0,
  );
}
