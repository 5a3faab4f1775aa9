import { checkOption, checkOptions } from '../../check-options.js';
import { NerRetrieverError } from '../../errors.js';
import type { Matrix } from '../../matrix.js';
import type { Document } from '../../text/document.js';
import { Catalog } from '../catalog/catalog.js';
import type { StoredDocument } from '../catalog/stored-document.js';
import { IndexFolder } from '../index-folder.js';
import { storageError } from '../storage-error.js';
import { indexRoot } from './index-root.js';
import { livingRows } from './living-rows.js';

export interface ExportOptions {
  readonly signal?: AbortSignal;
}

/** Some documents of an index, in the order in which they were added. */
export interface ExportedDocuments {
  /** With the mentions that have a vector, in the order of their vectors; other mentions that they were given are left out. */
  readonly documents: readonly (Document & Required<Pick<Document, 'mentions'>>)[];
  /** How many the whole export has. */
  readonly totalDocuments: number;
}

/** Vectors of some mentions, in the order in which `exportDocuments` tells the mentions. */
export interface ExportedVectors {
  readonly vectors: Matrix;
  /** How many the whole export has. */
  readonly totalRows: number;
}

/**
 * All documents of an index, as it is when the iteration begins. Adding them to a new index with `mentions: 'given'` gives the same index again.
 * Needs no model and no vectors: the way out of an index whose vectors are damaged.
 *
 * @throws NerRetrieverError OPTION_…, INDEX_NOT_FOUND, NOT_AN_INDEX, INDEX_FORMAT_NEWER, INDEX_FORMAT_OLDER, INDEX_DAMAGED, and the signal's reason
 */
export async function* exportDocuments(
  directory: string,
  options: ExportOptions = {},
): AsyncGenerator<ExportedDocuments, void, undefined> {
  const { signal } = checked('exportDocuments', options);
  const root = indexRoot(directory);
  if (!(await IndexFolder.inspect(root))) throw new NerRetrieverError('INDEX_NOT_FOUND', { directory });
  let catalog: Catalog | undefined;
  try {
    catalog = Catalog.openForReading(root);
    catalog.holdSnapshot();
    const totalDocuments = catalog.totals().documents;
    for (const stored of inGroups(catalog.documents())) {
      signal?.throwIfAborted();
      yield { documents: stored.map(withMentions), totalDocuments };
    }
  } catch (error) {
    throw storageError(error, root);
  } finally {
    catalog?.close();
  }
}

/**
 * The vectors of all mentions of an index, as it is when the iteration begins: float32, whatever the index's precision is. Needs no model.
 *
 * @throws NerRetrieverError OPTION_…, INDEX_NOT_FOUND, NOT_AN_INDEX, INDEX_FORMAT_NEWER, INDEX_FORMAT_OLDER, INDEX_DAMAGED, and the signal's reason
 */
export async function* exportVectors(
  directory: string,
  options: ExportOptions = {},
): AsyncGenerator<ExportedVectors, void, undefined> {
  const { signal } = checked('exportVectors', options);
  const folder = await IndexFolder.open(indexRoot(directory));
  try {
    using snapshot = await folder.snapshot();
    const { dimensions: columns } = folder.manifest;
    const totalRows = snapshot.catalog.totals().mentions;
    for await (const { vectors } of livingRows(snapshot.vectors, snapshot.alive, columns)) {
      signal?.throwIfAborted();
      yield { vectors: { rows: vectors.length / columns, columns, data: vectors }, totalRows };
    }
  } catch (error) {
    throw storageError(error, folder.directory);
  } finally {
    folder.close();
  }
}

function checked(of: string, options: ExportOptions): ExportOptions {
  checkOptions(of, options, ['signal']);
  const { signal } = options;
  checkOption(signal === undefined || signal instanceof AbortSignal, 'signal', 'an AbortSignal', signal);
  return options;
}

const documentsAtOnce = 64;

function* inGroups(documents: Iterable<StoredDocument>): Generator<StoredDocument[]> {
  let group: StoredDocument[] = [];
  for (const document of documents) {
    group.push(document);
    if (group.length < documentsAtOnce) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

function withMentions({ document, rows, mention }: StoredDocument): ExportedDocuments['documents'][number] {
  const { id, text, metadata } = document;
  const mentions = Array.from({ length: rows }, (_, row) => {
    const { start, end } = mention(row) as { start: number; end: number };
    return { start, end };
  });
  return { id, text, mentions, ...(metadata && { metadata }) };
}
