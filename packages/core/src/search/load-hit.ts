import { NerRetrieverError } from '../errors.js';
import { type Catalog, catalogFile } from '../index/catalog.js';
import type { Hit } from './hit.js';
import type { RankedDocument } from './rank-documents.js';

/** The stored document and mention of a place in a ranking; undefined where the document is gone since. */
export function loadHit(catalog: Catalog, { ordinal, row, score }: RankedDocument): Hit | undefined {
  const stored = catalog.document(ordinal);
  if (!stored) return undefined;
  const { document } = stored;
  const mention = stored.mention(row);
  if (!mention) {
    const reason = `row ${row} is one of document "${document.id}", but the document does not know it`;
    throw new NerRetrieverError('INDEX_DAMAGED', { file: catalogFile, reason });
  }
  return { id: document.id, score, mention, document };
}
