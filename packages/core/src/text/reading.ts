import { NerRetrieverError } from '../errors.js';
import type { DocumentRecord, RawRecord } from './document.js';
import { type Input, openInput } from './input.js';

/**
 * What all readers share: opens the source when the first record is asked for, tells how far it is, turns what `parse` throws into
 * the record of that line, and says so where there is no document at all.
 *
 * `items` yields one `{ line, parse }` a document, or `{ line, error }`; `raw` goes with both where it is known.
 */
export async function* reading(
  source: string | AsyncIterable<Uint8Array>,
  items: (input: Input) => AsyncIterable<Item>,
): AsyncGenerator<DocumentRecord> {
  const input = await openInput(source);
  const { file } = input;
  let empty = true;
  for await (const item of items(input)) {
    empty = false;
    const { line, raw } = item;
    yield { source: { file, line }, bytes: input.bytesRead(), ...(raw !== undefined && { raw }), ...outcome(item) };
  }
  if (empty) {
    yield {
      source: { file, line: 1 },
      bytes: input.bytesRead(),
      error: new NerRetrieverError('INPUT_EMPTY', { file }),
    };
  }
}

export type Item = { readonly line: number; readonly raw?: RawRecord | undefined } & (
  | { readonly parse: () => Document }
  | { readonly error: NerRetrieverError }
);

type Document = Extract<DocumentRecord, { document: unknown }>['document'];

function outcome(item: Item): { document: Document } | { error: NerRetrieverError } {
  if ('error' in item) return { error: item.error };
  try {
    return { document: item.parse() };
  } catch (error) {
    if (!NerRetrieverError.isInstance(error)) throw error;
    return { error };
  }
}
