/** Documents that are read by the model at once: enough to keep every worker busy, few enough that memory does not grow with the corpus. */
const documentsAtOnce = 1024;

/** A corpus in parts for the model; `first` is the place of a part's first document, counted from 0. */
export function* documentChunks<Document>(
  documents: readonly Document[],
): Generator<{ readonly first: number; readonly chunk: readonly Document[] }> {
  for (let first = 0; first < documents.length; first += documentsAtOnce) {
    yield { first, chunk: documents.slice(first, first + documentsAtOnce) };
  }
}
