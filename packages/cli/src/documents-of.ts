import type { DocumentRecord } from '@ner-retriever/core';
import type { Refusals } from './refusals.js';

/** A record that holds a document. */
export type GoodRecord = Extract<DocumentRecord, { document: unknown }>;

/** The records that hold documents; lines that are refused are named and left out. `onRecord` sees how far the reading is. */
export async function* documentsOf(
  records: AsyncIterable<DocumentRecord>,
  refusals: Refusals,
  onRecord: (record: DocumentRecord) => void,
): AsyncGenerator<GoodRecord> {
  for await (const record of records) {
    onRecord(record);
    if ('error' in record) refusals.refuse(record.error);
    else yield record;
  }
}
