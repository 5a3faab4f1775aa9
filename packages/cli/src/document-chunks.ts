import type { GoodRecord } from './documents-of.js';
import { inOrder } from './in-order.js';

/** Characters of text that the embedder gets at once, and how many such chunks are on their way. */
const chunkCharacters = 250_000;
const chunksInFlight = 2;
/** What a document weighs beside its text: a million empty ones are no single chunk. */
const perDocument = 100;

/** Works on documents a chunk at a time, and hands each chunk back with what came of it, in the order of the documents. */
export function documentChunks<Result>(
  records: AsyncIterable<GoodRecord>,
  work: (documents: GoodRecord['document'][]) => Promise<Result>,
): AsyncGenerator<{ chunk: GoodRecord[]; result: Result }> {
  return inOrder(records, {
    chunkWeight: chunkCharacters,
    inFlight: chunksInFlight,
    weight: ({ document }) => document.text.length + perDocument,
    work: async (chunk) => ({ chunk, result: await work(chunk.map(({ document }) => document)) }),
  });
}
