import { NerRetrieverError } from '../../errors.js';
import type { Document, DocumentRecord, Source } from '../../text/document.js';
import { parseDocument } from '../../text/parse-document.js';
import type { RefusedRecord } from './add-progress.js';
import { contentDigest, type MentionsOption } from './content-digest.js';

/** A document that goes in, with its place in the input. */
export interface AdmittedDocument {
  readonly document: Document;
  readonly source: Source;
  /** Digest of all that decides the document's rows. */
  readonly content: Uint8Array;
}

/** What a record is measured against. */
export interface KnownDocuments {
  /** Notes that this run gave an id; where it did so before, returns where. */
  noteId(id: string, source: Source): Source | undefined;
  /** True where the index holds the very same document already. */
  holds(id: string, content: Uint8Array): boolean;
}

export interface AdmissionOptions {
  readonly mentions: MentionsOption;
  /** Tells the detector that finds mentions apart from others; null: the model's own. */
  readonly detector: string | null;
}

export type Admission =
  | { readonly kind: 'admitted'; readonly admitted: AdmittedDocument }
  | { readonly kind: 'refused'; readonly refused: RefusedRecord }
  | { readonly kind: 'unchanged' };

/** Says what becomes of a record: it goes in, it is refused, or the index holds its document already. `position` counts from 1. */
export function admitRecord(
  record: Document | DocumentRecord,
  position: number,
  known: KnownDocuments,
  options: AdmissionOptions,
): Admission {
  // A document alone has no place in a file: it is named by its position.
  const source = isRecord(record) ? record.source : { file: 'documents', line: position };
  const raw = isRecord(record) ? (record.raw ?? null) : null;
  const read = readRecord(record, source, options);
  if ('error' in read) return { kind: 'refused', refused: { source, error: read.error, raw } };

  const { document, content } = read;
  const first = known.noteId(document.id, source);
  if (first) {
    const details = { ...source, id: document.id, firstFile: first.file, firstLine: first.line };
    return { kind: 'refused', refused: { source, error: new NerRetrieverError('DOCUMENT_REPEATED', details), raw } };
  }
  if (known.holds(document.id, content)) return { kind: 'unchanged' };
  return { kind: 'admitted', admitted: { document, source, content } };
}

/** Types say so much only to those who use them: a document may be anything. */
export function isRecord(value: Document | DocumentRecord): value is DocumentRecord {
  return typeof value === 'object' && value !== null && 'source' in value;
}

/** The document of a record, with its digest, or why there is none. */
function readRecord(
  record: Document | DocumentRecord,
  source: Source,
  { mentions, detector }: AdmissionOptions,
): { document: Document; content: Uint8Array } | { error: NerRetrieverError } {
  try {
    if (isRecord(record) && 'error' in record) return { error: record.error };
    const document = isRecord(record) ? record.document : parseDocument(record, source);
    return { document, content: contentDigest(document, mentions, detector) };
  } catch (error) {
    if (NerRetrieverError.isInstance(error)) return { error };
    if (!(error instanceof RangeError)) throw error;
    // Nested so deeply that it cannot be written down.
    const what = { field: 'metadata', expected: 'values that JSON can hold', received: error.message };
    return { error: new NerRetrieverError('DOCUMENT_INVALID', { ...source, ...what }, { cause: error }) };
  }
}
