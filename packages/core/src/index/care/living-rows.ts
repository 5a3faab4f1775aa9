import type { SegmentIndex } from '@ner-retriever/native';
import type { DocumentSet } from '../segments/document-set.js';

/** Rows that were read together. */
export interface LivingRows {
  /** [documents.length, dimensions] */
  readonly vectors: Float32Array;
  /** The document of each row. */
  readonly documents: Uint32Array;
  /** The row behind the last one that was looked at, dead ones included. */
  readonly end: number;
}

/** Rows that are read at once: 16 MiB of 256 dimensions. */
export const rowsAtOnce = 16_384;

/** The rows of living documents from row `first` on, in their order, a few whole documents at a time. */
export async function* livingRows(
  segments: SegmentIndex,
  alive: DocumentSet,
  dimensions: number,
  first = 0,
): AsyncGenerator<LivingRows> {
  const lastRow = segments.rows;
  for (let row = first; row < lastRow; ) {
    const { documents, end } = readDocuments(segments, row, lastRow);
    const vectors = await segments.vectors(row, end - row);
    yield { ...keepLiving(vectors, documents, alive, dimensions), end };
    row = end;
  }
}

/** Documents of the rows from `row` on, as many as are read at once, whole documents only: a document stays in one segment. */
function readDocuments(segments: SegmentIndex, row: number, lastRow: number): { documents: Uint32Array; end: number } {
  let end = Math.min(row + rowsAtOnce, lastRow);
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
