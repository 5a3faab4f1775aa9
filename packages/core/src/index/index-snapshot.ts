import type { SegmentIndex } from '@ner-retriever/native';
import type { Catalog } from './catalog/catalog.js';
import type { DocumentSet } from './segments/document-set.js';
import type { MappedVectors } from './segments/mapped-vectors.js';

/** One state of an index: what was committed when it was taken, whatever is committed or compacted meanwhile. To be disposed of (`using`). */
export class IndexSnapshot {
  readonly catalog: Catalog;
  /** Rows of newer documents may be among these; `alive` leaves them out. */
  readonly vectors: SegmentIndex;
  readonly alive: DocumentSet;
  readonly #end: () => void;

  /** @param vectors held for this snapshot */
  constructor(catalog: Catalog, vectors: MappedVectors, endSnapshot: (catalog: Catalog) => void) {
    this.catalog = catalog;
    this.vectors = vectors.segments;
    this.alive = vectors.alive(catalog);
    this.#end = () => {
      vectors.release();
      endSnapshot(catalog);
    };
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}
