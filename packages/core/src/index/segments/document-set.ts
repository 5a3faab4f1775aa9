/** Documents by their ordinals: bit `o % 8` of byte `o / 8` is set where document `o` is one of them. What lies beyond the end is not. */
export type DocumentBits = Uint8Array;

export function hasDocument(bits: DocumentBits, ordinal: number): boolean {
  return (((bits[ordinal >>> 3] ?? 0) >> (ordinal & 7)) & 1) === 1;
}

/** Which documents are alive in a state of the index, as a bitmap over ordinals. Never changed once made: searches may be reading it. */
export class DocumentSet {
  static readonly empty = new DocumentSet(new Uint8Array(), 0, 0);

  /** Bit `o % 8` of byte `o / 8` stands for the document with ordinal `o`. */
  readonly bits: DocumentBits;
  readonly lastOrdinal: number;
  /** How many have died. */
  readonly deaths: number;

  private constructor(bits: Uint8Array, lastOrdinal: number, deaths: number) {
    this.bits = bits;
    this.lastOrdinal = lastOrdinal;
    this.deaths = deaths;
  }

  /** This set with the documents up to `lastOrdinal`, and without those that died since. */
  extend(lastOrdinal: number, dead: readonly number[]): DocumentSet {
    const bits = new Uint8Array((lastOrdinal >>> 3) + 1);
    bits.set(this.bits);
    addRange(bits, this.lastOrdinal + 1, lastOrdinal + 1);
    for (const ordinal of dead) bits[ordinal >>> 3] = (bits[ordinal >>> 3] ?? 0) & ~(1 << (ordinal & 7));
    return new DocumentSet(bits, lastOrdinal, this.deaths + dead.length);
  }

  has(ordinal: number): boolean {
    return hasDocument(this.bits, ordinal);
  }

  /** The bits of this set that another bitmap has too. */
  intersection(other: Uint8Array): Uint8Array {
    return this.bits.map((byte, index) => byte & (other[index] ?? 0));
  }
}

/** Sets the bits from `from` to before `to`. */
function addRange(bits: Uint8Array, from: number, to: number): void {
  const firstWhole = Math.min(to, Math.ceil(from / 8) * 8);
  const lastWhole = Math.floor(to / 8) * 8;
  const add = (bit: number) => {
    bits[bit >>> 3] = (bits[bit >>> 3] ?? 0) | (1 << (bit & 7));
  };
  for (let bit = from; bit < firstWhole; bit += 1) add(bit);
  bits.fill(255, firstWhole >>> 3, lastWhole >>> 3);
  for (let bit = Math.max(firstWhole, lastWhole); bit < to; bit += 1) add(bit);
}
