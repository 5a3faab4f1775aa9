import { NerRetrieverError } from '../errors.js';
import { catalogFile } from '../index/catalog/catalog.js';
import type { StoredDocument } from '../index/catalog/stored-document.js';
import type { IndexSnapshot } from '../index/index-snapshot.js';
import type { Mention } from '../mentions/mention.js';
import { bestMentions } from './best-mentions.js';
import type { Hit } from './hit.js';

/** Places of a ranking: the best row of each document, with its score. */
export interface RankedRows {
  readonly rows: Uint32Array;
  readonly scores: Float32Array;
}

/** More mentions of a hit than the best one. */
export interface Evidence {
  /** What they are scored by: [dimensions]. */
  readonly query: Float32Array;
  /** At most so many of a document. */
  readonly limit: number;
}

/** The stored documents and mentions of places in a ranking of the same snapshot. */
export async function loadHits(
  snapshot: IndexSnapshot,
  { rows, scores }: { rows: Uint32Array; scores: ArrayLike<number> },
  evidence: Evidence | undefined,
): Promise<Hit[]> {
  const { catalog, vectors } = snapshot;
  const { documents, firstRows, counts } = vectors.locate(rows);
  const best = evidence && (await bestMentions(vectors, { firstRows, counts }, evidence));
  return Array.from(rows, (row, place) => {
    const ordinal = documents[place] as number;
    const stored = catalog.document(ordinal) ?? missing(ordinal, 'the document');
    const index = row - (firstRows[place] as number);
    const mentions = best?.[place]?.map((one) => ({ ...mentionOf(stored, ordinal, one.index), similarity: one.score }));
    return {
      id: stored.document.id,
      score: scores[place] as number,
      mention: mentionOf(stored, ordinal, index),
      document: stored.document,
      ...(mentions && { mentions }),
    };
  });
}

function mentionOf(stored: StoredDocument, ordinal: number, index: number): Mention {
  return stored.mention(index) ?? missing(ordinal, `its mention ${index}`);
}

function missing(ordinal: number, what: string): never {
  const reason = `there are vectors of document ${ordinal}, but ${what} is missing`;
  throw new NerRetrieverError('INDEX_DAMAGED', { file: catalogFile, reason });
}
