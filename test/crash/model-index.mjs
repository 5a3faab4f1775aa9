import { madeEntry } from './made-documents.mjs';

/** What an index must hold, and what it must answer, by definition. Never changed once made. */
export class ModelIndex {
  /** Id to entry, the oldest first. */
  #entries;
  #dimensions;

  constructor(dimensions, entries = new Map()) {
    this.#dimensions = dimensions;
    this.#entries = entries;
  }

  /**
   * The state after an operation, as writer.mjs has it.
   *
   * @param {{ put?: [id: string, version: number][], remove?: string, compact?: boolean, approximate?: boolean }} operation
   */
  after({ put, remove }) {
    if (!put && remove === undefined) return this;
    const entries = new Map(this.#entries);
    for (const [id, version] of put ?? []) {
      entries.delete(id); // what is replaced is as young as what is new
      entries.set(id, madeEntry(id, version, this.#dimensions));
    }
    entries.delete(remove);
    return new ModelIndex(this.#dimensions, entries);
  }

  get size() {
    return this.#entries.size;
  }

  get ids() {
    return [...this.#entries.keys()];
  }

  has(id) {
    return this.#entries.has(id);
  }

  document(id) {
    return this.#entries.get(id)?.document;
  }

  /** The documents as JSON, the oldest first. */
  documents() {
    return [...this.#entries.values()].map(({ document }) => JSON.stringify(document));
  }

  /**
   * Every document that has a vector and passes `accept`, best first. Scores are exact: the vectors are small whole numbers.
   *
   * @param {Float32Array} query
   * @param {(document: { id: string, text: string, metadata: { lang: string, version: number } }) => boolean} accept
   */
  ranking(query, accept = () => true) {
    const ranked = [];
    for (const [id, { document, vectors, mentions }] of this.#entries) {
      if (mentions.length === 0 || !accept(document)) continue;
      const scores = mentions.map((_, row) => dot(vectors, row * query.length, query));
      const score = Math.max(...scores);
      ranked.push({ id, score, start: mentions[scores.indexOf(score)].start });
    }
    return ranked.sort((one, two) => two.score - one.score); // stable: the older one first
  }
}

function dot(vectors, from, query) {
  let sum = 0;
  for (let column = 0; column < query.length; column += 1) sum += vectors[from + column] * query[column];
  return sum;
}
