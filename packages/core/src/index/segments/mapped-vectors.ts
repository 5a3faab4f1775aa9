import { join } from 'node:path';
import { type CudaDevice, SegmentIndex } from '@ner-retriever/native';
import { NerRetrieverError } from '../../errors.js';
import { type Catalog, catalogFile } from '../catalog/catalog.js';
import { DocumentSet } from './document-set.js';
import { segmentFiles } from './segment-files.js';
import type { VectorLayout } from './segment-writer.js';

/**
 * The vectors of one generation of an index, mapped into memory. Rows are added as they are committed; a row keeps its number.
 * Whoever uses them holds them: the mappings go when nobody does and another generation has come.
 */
export class MappedVectors {
  readonly generation: number;
  readonly segments: SegmentIndex;
  readonly #layout: VectorLayout;
  #lastBlock = 0;
  #alive: DocumentSet = DocumentSet.empty;
  #holders = 1;

  /** @param device Where they are searched; the CPU where none is given. */
  constructor(layout: VectorLayout, generation: number, device: CudaDevice | null = null) {
    const { dimensions, precision } = layout;
    this.generation = generation;
    this.segments = new SegmentIndex({ dimensions, precision, ...(device && { device }) });
    this.#layout = layout;
  }

  /** Maps what the catalog counts and is not mapped yet. Calls are made one after the other. */
  async extend(catalog: Catalog): Promise<void> {
    const { directory, precision, dimensions } = this.#layout;
    const blocks = catalog.blocksAfter(this.#lastBlock);
    for (let from = 0; from < blocks.length; ) {
      const segment = blocks[from]?.segment as number;
      const next = blocks.findIndex((block, index) => index > from && block.segment !== segment);
      const some = blocks.slice(from, next < 0 ? blocks.length : next);
      const files = segmentFiles(directory, segment, precision, dimensions).map(({ file }) => file);
      const other = some.find(({ checksums }) => checksums.length !== files.length);
      if (other)
        this.#damaged(
          `block ${other.block} is of ${other.checksums.length} columns where ${precision} has ${files.length}`,
        );
      await this.segments.map(files, some).catch(throwMissing);
      this.#lastBlock = some.at(-1)?.block as number;
      from += some.length;
    }
    const { rows } = catalog.totals();
    if (this.segments.rows >= rows) return;
    this.#damaged(`its blocks have ${this.segments.rows} rows where it counts ${rows}`);
  }

  /** The documents that are alive in the catalog's state: nothing else may be found. */
  alive(catalog: Catalog): DocumentSet {
    const { lastOrdinal, deaths } = catalog.totals();
    const known = this.#alive;
    if (known.lastOrdinal === lastOrdinal && known.deaths === deaths) return known;
    const isOlder = known.lastOrdinal <= lastOrdinal && known.deaths <= deaths;
    const base = isOlder ? known : DocumentSet.empty;
    const alive = base.extend(lastOrdinal, catalog.deathsAfter(base.deaths));
    if (isOlder) this.#alive = alive;
    return alive;
  }

  hold(): this {
    this.#holders += 1;
    return this;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.segments.close();
  }

  #damaged(reason: string): never {
    throw new NerRetrieverError('INDEX_DAMAGED', { file: join(this.#layout.directory, catalogFile), reason });
  }
}

/** A file that the catalog counts on: where it is missing there is damage, unless a compaction has taken it away since. */
function throwMissing(cause: NodeJS.ErrnoException): never {
  if (cause.code !== 'ENOENT') throw cause;
  throw new NerRetrieverError('INDEX_DAMAGED', { file: cause.path, reason: 'it is missing' }, { cause });
}
