import { NerRetrieverError } from '../errors.js';
import { catalogFile } from '../index/catalog.js';
import type { IndexSnapshot } from '../index/index-snapshot.js';
import type { Hit } from './hit.js';

/** Places of a ranking: the best row of each document, with its score. */
export interface RankedRows {
  readonly rows: Uint32Array;
  readonly scores: ArrayLike<number>;
}

/** The stored documents and mentions of places in a ranking of the same snapshot. */
export function* loadHits({ catalog, vectors }: IndexSnapshot, { rows, scores }: RankedRows): Generator<Hit> {
  const { documents, firstRows } = vectors.locate(rows);
  for (const [place, row] of rows.entries()) {
    const ordinal = documents[place] as number;
    const stored = catalog.document(ordinal);
    const mention = stored?.mention(row - (firstRows[place] as number));
    if (!stored || !mention) {
      const what = stored ? 'a mention' : 'a document';
      const reason = `row ${row} is one of document ${ordinal}, but ${what} is missing`;
      throw new NerRetrieverError('INDEX_DAMAGED', { file: catalogFile, reason });
    }
    const { document } = stored;
    yield { id: document.id, score: scores[place] as number, mention, document };
  }
}
