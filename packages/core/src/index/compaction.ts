import type { SegmentIndex } from '@ner-retriever/native';
import type { Catalog } from './catalog.js';
import type { DocumentSet } from './document-set.js';
import { MappedVectors } from './mapped-vectors.js';
import type { AppendedRows, SegmentWriter, VectorLayout } from './segment-writer.js';
import type { Block } from './stored-block.js';

export interface CompactionProgress {
  /** Rows read, of all that are to be read. */
  readonly rows: number;
  readonly totalRows: number;
  readonly elapsedMs: number;
}

export interface CompactionSummary {
  /** Rows of deleted and replaced documents that are gone now. */
  readonly removedRows: number;
  /** Rows that were written anew. */
  readonly movedRows: number;
  readonly elapsedMs: number;
}

export interface CompactionOptions {
  readonly signal: AbortSignal | undefined;
  readonly report: (progress: CompactionProgress) => void;
}

/** Rows that are read and written at once: 16 MiB of 256 dimensions. */
const rowsAtOnce = 16_384;

/**
 * Copies the rows of living documents into new segments, in their order, and counts these in place of the old ones in one transaction.
 * Segments before the first one with a dead row stay as they are.
 */
export class Compaction {
  readonly #layout: VectorLayout;
  readonly #catalog: Catalog;
  readonly #segments: SegmentWriter;
  readonly #options: CompactionOptions;
  readonly #startedAt = performance.now();

  constructor(layout: VectorLayout, catalog: Catalog, segments: SegmentWriter, options: CompactionOptions) {
    this.#layout = layout;
    this.#catalog = catalog;
    this.#segments = segments;
    this.#options = options;
  }

  async run(): Promise<CompactionSummary> {
    const vectors = new MappedVectors(this.#layout, this.#catalog.totals().generation);
    try {
      await vectors.extend(this.#catalog);
      return await this.#compact(vectors, vectors.alive(this.#catalog));
    } finally {
      vectors.release();
    }
  }

  async #compact({ segments }: MappedVectors, alive: DocumentSet): Promise<CompactionSummary> {
    const first = this.#firstUntidy(segments);
    if (!first) return { removedRows: 0, movedRows: 0, elapsedMs: this.#elapsedMs() };
    const totalRows = segments.rows - first.row;
    await this.#segments.startSegment();
    const blocks: AppendedRows[] = [];
    let movedRows = 0;
    for (let row = first.row; row < segments.rows; ) {
      this.#options.signal?.throwIfAborted();
      const { documents, end } = readDocuments(segments, row);
      const rows = await segments.vectors(row, end - row);
      const kept = keepLiving(rows, documents, alive, this.#layout.dimensions);
      if (kept.documents.length > 0) {
        blocks.push(await this.#segments.append(kept.vectors, kept.documents));
        this.#segments.accept(kept.documents.length);
        movedRows += kept.documents.length;
      }
      row = end;
      this.#options.report({ rows: row - first.row, totalRows, elapsedMs: this.#elapsedMs() });
    }
    this.#catalog.write(() => this.#catalog.replaceBlocks(first.block, blocks, this.#segments.segment));
    return { removedRows: totalRows - movedRows, movedRows, elapsedMs: this.#elapsedMs() };
  }

  /** The first block and row of the first segment that is to be written anew. */
  #firstUntidy(segments: SegmentIndex): { block: number; row: number } | undefined {
    const firstDead = this.#catalog.firstDeath();
    const firstDeadRow = firstDead === undefined ? Number.POSITIVE_INFINITY : firstRowFrom(segments, firstDead);
    let row = 0;
    for (const blocks of bySegment(this.#catalog.blocksAfter(0))) {
      const rows = blocks.reduce((sum, block) => sum + block.rows, 0);
      const isScattered = blocks.length > scatteredBlocks + (2 * rows) / rowsAtOnce;
      if (isScattered || firstDeadRow < row + rows) return { block: blocks[0]?.block as number, row };
      row += rows;
    }
    return undefined;
  }

  #elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }
}

/** Blocks of a segment beyond which small ones are put together: each costs a little when an index is opened. */
const scatteredBlocks = 64;

/** Blocks that follow each other and lie in the same segment. */
function bySegment(blocks: readonly Block[]): Block[][] {
  const groups: Block[][] = [];
  for (const block of blocks) {
    const last = groups.at(-1);
    if (last?.[0]?.segment === block.segment) last.push(block);
    else groups.push([block]);
  }
  return groups;
}

/** The first row of a document that is not older than `ordinal`: ordinals rise along the rows. */
function firstRowFrom(segments: SegmentIndex, ordinal: number): number {
  let [low, high] = [0, segments.rows];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const document = segments.locate(Uint32Array.of(middle)).documents[0] as number;
    if (document < ordinal) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Documents of the rows from `row` on, as many as are read at once, whole documents only: a document stays in one segment. */
function readDocuments(segments: SegmentIndex, row: number): { documents: Uint32Array; end: number } {
  let end = Math.min(row + rowsAtOnce, segments.rows);
  const last = segments.locate(Uint32Array.of(end - 1));
  const [firstOfLast, rowsOfLast] = [last.firstRows[0] as number, last.counts[0] as number];
  if (firstOfLast + rowsOfLast > end) end = firstOfLast > row ? firstOfLast : firstOfLast + rowsOfLast;
  const rows = Uint32Array.from({ length: end - row }, (_, index) => row + index);
  return { documents: segments.locate(rows).documents, end };
}

function keepLiving(
  vectors: Float32Array,
  documents: Uint32Array,
  alive: DocumentSet,
  dimensions: number,
): { vectors: Float32Array; documents: Uint32Array } {
  let kept = 0;
  for (const [index, ordinal] of documents.entries()) {
    if (!alive.has(ordinal)) continue;
    documents[kept] = ordinal;
    vectors.copyWithin(kept * dimensions, index * dimensions, (index + 1) * dimensions);
    kept += 1;
  }
  return { vectors: vectors.slice(0, kept * dimensions), documents: documents.slice(0, kept) };
}
