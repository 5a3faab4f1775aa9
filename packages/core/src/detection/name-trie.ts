/** Words of a name or a text: an id each (see `NameTrie.idOf`), and whether white space stands before it. */
export interface WordIds {
  readonly ids: Int32Array;
  /** 1 where it does. */
  readonly spaced: Uint8Array;
}

/**
 * Names by their words: a tree that is walked word by word. A million names are a few million steps, so they lie in flat arrays: a
 * hash table from (node, word) to the next node, about 24 bytes a step.
 */
export class NameTrie {
  readonly #words = new Map<string, number>();
  #nodes = 1;
  /** Open addressing; 0: a free place. */
  #keys = new Float64Array(1024);
  #children = new Int32Array(1024);
  /** [nodes], 1 where a name ends. */
  #isName = new Uint8Array(1024);

  /** Names that differ. */
  size = 0;

  /** The id of a word that some name holds, or -1. */
  idOf(word: string): number {
    return this.#words.get(word) ?? -1;
  }

  add(words: readonly { readonly word: string; readonly spaced: boolean }[]): void {
    let node = root;
    for (const [place, { word, spaced }] of words.entries()) {
      let id = this.#words.get(word);
      if (id === undefined) {
        id = this.#words.size;
        this.#words.set(word, id);
      }
      node = this.#childOrNew(node, stepOf(id, place > 0 && spaced));
    }
    if (node === root || this.#isName[node] === 1) return;
    this.#isName[node] = 1;
    this.size += 1;
  }

  /** Where the longest name that begins with the word at `first` ends: the place behind its last word, or -1. */
  longestFrom({ ids, spaced }: WordIds, first: number): number {
    let node = root;
    let longest = -1;
    for (let place = first; place < ids.length; place++) {
      const id = ids[place] as number;
      if (id < 0) break;
      node = this.#child(node, stepOf(id, place > first && spaced[place] === 1));
      if (node === 0) break;
      if (this.#isName[node] === 1) longest = place + 1;
    }
    return longest;
  }

  /** 0: there is none. */
  #child(node: number, step: number): number {
    return this.#children[this.#placeOf(keyOf(node, step))] as number;
  }

  #childOrNew(node: number, step: number): number {
    const key = keyOf(node, step);
    const place = this.#placeOf(key);
    const child = this.#children[place] as number;
    if (child !== 0) return child;
    this.#nodes += 1;
    this.#keys[place] = key;
    this.#children[place] = this.#nodes;
    if (this.#nodes >= this.#isName.length) this.#isName = grown(this.#isName);
    if (2 * this.#nodes > this.#keys.length) this.#rehash();
    return this.#nodes;
  }

  /** Where a key is, or the free place where it belongs. */
  #placeOf(key: number): number {
    const mask = this.#keys.length - 1;
    let place = hashOf(key) & mask;
    while (this.#keys[place] !== 0 && this.#keys[place] !== key) place = (place + 1) & mask;
    return place;
  }

  #rehash(): void {
    const keys = this.#keys;
    const children = this.#children;
    this.#keys = new Float64Array(2 * keys.length);
    this.#children = new Int32Array(2 * keys.length);
    for (const [at, key] of keys.entries()) {
      if (key === 0) continue;
      const place = this.#placeOf(key);
      this.#keys[place] = key;
      this.#children[place] = children[at] as number;
    }
  }
}

const root = 1;

/** A word, and whether white space parts it from the one before. */
function stepOf(id: number, spaced: boolean): number {
  return 2 * id + (spaced ? 1 : 0);
}

/** Both numbers in one, which a double holds exactly: nodes and steps stay far below 2^26. */
function keyOf(node: number, step: number): number {
  return node * 2 ** 26 + step;
}

function hashOf(key: number): number {
  const high = Math.floor(key / 2 ** 26);
  let hash = Math.imul(high, 0x9e3779b1) ^ Math.imul(key % 2 ** 26, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function grown(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * bytes.length);
  larger.set(bytes);
  return larger;
}
