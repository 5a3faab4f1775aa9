import { LexicalIndex } from '../lexical/lexical-index.js';
import type { LabelledTaps } from './labelled-taps.js';

/** Documents that are looked at for each. */
const documentLimit = 20;

/** Words of a document that are searched for: its longest, which are mostly its rarest. */
const wordLimit = 12;

/** The mentions in the documents that are most like a given one, by BM25. Looked up when they are first asked for. */
export class HardNegatives {
  readonly #documents: readonly string[];
  readonly #mentionsOf: ReadonlyMap<number, readonly number[]>;
  readonly #found = new Map<number, readonly number[]>();
  #index: LexicalIndex | null = null;

  /** @param mentions those that may be negatives */
  constructor(taps: LabelledTaps, mentions: readonly number[]) {
    this.#documents = taps.documents;
    const mentionsOf = new Map<number, number[]>();
    for (const mention of mentions) {
      const document = taps.mentions[mention]?.document as number;
      const own = mentionsOf.get(document);
      if (own === undefined) mentionsOf.set(document, [mention]);
      else own.push(mention);
    }
    this.#mentionsOf = mentionsOf;
  }

  /** Mentions of the documents most like `document`, its own among them. */
  near(document: number): readonly number[] {
    const known = this.#found.get(document);
    if (known !== undefined) return known;
    const hits = this.#lexical().search(longestWords(this.#documents[document] as string), { limit: documentLimit });
    const found = hits.flatMap(({ id }) => this.#mentionsOf.get(Number(id)) ?? []);
    this.#found.set(document, found);
    return found;
  }

  close(): void {
    this.#index?.close();
  }

  #lexical(): LexicalIndex {
    if (this.#index === null) {
      this.#index = new LexicalIndex();
      const searched = [...this.#mentionsOf.keys()].sort((a, b) => a - b);
      this.#index.add(
        searched.map((document) => ({ id: String(document), text: this.#documents[document] as string })),
      );
    }
    return this.#index;
  }
}

function longestWords(text: string): string {
  const words = [...new Set(text.match(/[\p{L}\p{N}\p{M}]+/gu))];
  return words
    .sort((a, b) => b.length - a.length)
    .slice(0, wordLimit)
    .join(' ');
}
