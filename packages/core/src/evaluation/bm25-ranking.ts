import { LexicalIndex } from '../lexical/lexical-index.js';
import type { LabelledDocument } from './labelled-corpus.js';
import type { Ranking } from './ranking.js';

/** The lexical baseline: BM25 over the documents' texts, the type's readable name as query. */
export class Bm25Ranking implements Ranking {
  readonly system = 'bm25';
  readonly #index = new LexicalIndex();

  constructor(documents: readonly LabelledDocument[]) {
    this.#index.add(documents.map(({ text }, position) => ({ id: String(position), text })));
  }

  async best(query: string, count: number): Promise<number[]> {
    return this.#index.search(query, Number.isFinite(count) ? { limit: count } : {}).map(({ id }) => Number(id));
  }

  close(): void {
    this.#index.close();
  }
}
