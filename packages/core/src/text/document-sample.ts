import type { Document } from './document.js';

export interface SampleLimits {
  readonly documents: number;
  /** Of all texts together; a single document is kept whatever its length. */
  readonly characters: number;
}

/** A random sample of documents that come one by one, nobody knows how many: each has the same chance to be in it. */
export class DocumentSample {
  readonly #limits: SampleLimits;
  readonly #random: () => number;
  readonly #documents: Document[] = [];
  #characters = 0;
  #offered = 0;
  /** Falls where texts are long: a part drawn from a random sample is one, too. */
  #capacity: number;

  /** @param random uniform numbers, at least 0 and below 1 */
  constructor(limits: SampleLimits, random: () => number) {
    this.#limits = limits;
    this.#capacity = limits.documents;
    this.#random = random;
  }

  get documents(): readonly Document[] {
    return this.#documents;
  }

  get characters(): number {
    return this.#characters;
  }

  offer(document: Document): void {
    this.#offered += 1;
    if (this.#documents.length < this.#capacity) {
      this.#documents.push(document);
      this.#characters += document.text.length;
    } else {
      const place = this.#place(this.#offered);
      if (place >= this.#documents.length) return;
      this.#characters += document.text.length - this.#at(place).text.length;
      this.#documents[place] = document;
    }
    while (this.#characters > this.#limits.characters && this.#documents.length > 1) this.#dropOne();
  }

  #dropOne(): void {
    const place = this.#place(this.#documents.length);
    this.#characters -= this.#at(place).text.length;
    this.#documents[place] = this.#at(this.#documents.length - 1);
    this.#documents.pop();
    this.#capacity = this.#documents.length;
  }

  #place(below: number): number {
    return Math.floor(this.#random() * below);
  }

  #at(place: number): Document {
    return this.#documents[place] as Document;
  }
}
