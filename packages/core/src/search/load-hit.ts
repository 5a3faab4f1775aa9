import { NerRetrieverError } from '../errors.js';
import type { Catalog } from '../index/catalog.js';
import type { Hit } from './hit.js';
import type { RankedDocument } from './rank-documents.js';

/** The stored document and mention of a place in a ranking; undefined where the document is gone since. */
export function loadHit(catalog: Catalog, { ordinal, row, score }: RankedDocument): Hit | undefined {
  const document = catalog.document(ordinal);
  if (!document) return undefined;
  const mention = catalog.evidence(ordinal, row);
  if (!mention || mention.end > document.text.length) {
    const reason = `row ${row} is one of document "${document.id}", but the document does not know it`;
    throw new NerRetrieverError('INDEX_DAMAGED', { file: 'catalog.sqlite', reason });
  }
  const { start, end } = mention;
  const text = document.text.slice(start, end);
  return {
    id: document.id,
    score,
    mention: { start, end, text, ...(mention.score !== null && { score: mention.score }) },
    document,
  };
}
