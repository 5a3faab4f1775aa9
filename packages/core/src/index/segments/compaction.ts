import type { SegmentIndex } from '@ner-retriever/native';
import { livingRows, rowsAtOnce } from '../care/living-rows.js';
import type { Catalog } from '../catalog/catalog.js';
import type { Block } from '../catalog/stored-block.js';
import type { DocumentSet } from './document-set.js';
import { MappedVectors } from './mapped-vectors.js';
import type { AppendedRows, SegmentWriter, VectorLayout } from './segment-writer.js';

export interface CompactionProgress {
  /** Rows read, of all that are to be read. */
  readonly rows: number;
  readonly totalRows: number;
  readonly elapsedMs: number;
}

/** What a compaction did to the rows. */
export interface CompactedRows {
  /** Rows of deleted and replaced documents that are gone now. */
  readonly removedRows: number;
  /** Rows that were written anew. */
  readonly movedRows: number;
}

export interface CompactionSummary extends CompactedRows {
  /** By how much the files of the index are smaller. */
  readonly freedBytes: number;
  readonly elapsedMs: number;
}

export interface CompactionOptions {
  readonly signal: AbortSignal | undefined;
  readonly report: (progress: CompactionProgress) => void;
}

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

  async run(): Promise<CompactedRows> {
    const vectors = new MappedVectors(this.#layout, this.#catalog.totals().generation);
    try {
      await vectors.extend(this.#catalog);
      return await this.#compact(vectors, vectors.alive(this.#catalog));
    } finally {
      vectors.release();
    }
  }

  async #compact({ segments }: MappedVectors, alive: DocumentSet): Promise<CompactedRows> {
    const first = this.#firstUntidy(segments);
    if (!first) return { removedRows: 0, movedRows: 0 };
    const totalRows = segments.rows - first.row;
    await this.#segments.startSegment();
    const blocks: AppendedRows[] = [];
    let movedRows = 0;
    this.#options.signal?.throwIfAborted();
    for await (const read of livingRows(segments, alive, this.#layout.dimensions, first.row)) {
      this.#options.signal?.throwIfAborted();
      if (read.documents.length > 0) {
        blocks.push(await this.#segments.append(read.vectors, read.documents));
        this.#segments.accept(read.documents.length);
        movedRows += read.documents.length;
      }
      this.#options.report({ rows: read.end - first.row, totalRows, elapsedMs: this.#elapsedMs() });
    }
    this.#options.signal?.throwIfAborted();
    this.#catalog.write(() => this.#catalog.replaceBlocks(first.block, blocks, this.#segments.segment));
    return { removedRows: totalRows - movedRows, movedRows };
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
