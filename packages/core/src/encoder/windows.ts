import type { Pooling } from '../model/pooling.js';

/** Half-open range of a text's tokens, counted from the text's first. */
export interface TokenRange {
  readonly begin: number;
  readonly end: number;
}

/**
 * How a text's tokens are cut into windows: all of one length, each overlapping the next by about a quarter of `capacity`, as
 * few as can be. A text that fits is one window.
 */
export class Windows {
  readonly count: number;
  /** Tokens of each window. */
  readonly length: number;
  readonly #tokens: number;

  constructor(tokens: number, capacity: number) {
    const overlap = Math.floor(capacity / 4);
    this.#tokens = tokens;
    this.count = tokens <= capacity ? 1 : Math.ceil((tokens - overlap) / (capacity - overlap));
    this.length = Math.ceil((tokens + (this.count - 1) * overlap) / this.count);
  }

  window(index: number): TokenRange {
    const spare = this.#tokens - this.length;
    const begin = this.count === 1 ? 0 : Math.floor((index * spare) / (this.count - 1));
    return { begin, end: begin + this.length };
  }

  /** The tokens that a window shows better than its neighbours do: the parts of all windows are the text, each token once. */
  share(index: number): TokenRange {
    return {
      begin: index === 0 ? 0 : this.#boundary(index - 1),
      end: index === this.count - 1 ? this.#tokens : this.#boundary(index),
    };
  }

  /**
   * The window that shows a mention best: the one in which it lies farthest from the edges. Where no window holds all of the
   * mention's tokens, the one that shows best the token that its vector is read from.
   */
  best(first: number, last: number, pooling: Pooling): number {
    let best = -1;
    let most = -1;
    // At most three windows share a token, and they are neighbours.
    const near = this.#shareOf(last);
    for (let index = Math.max(0, near - 2); index <= Math.min(this.count - 1, near + 2); index++) {
      const { begin, end } = this.window(index);
      if (first < begin || last >= end) continue;
      // The text's own ends are no edges: nothing is cut off there.
      const before = index === 0 ? Number.POSITIVE_INFINITY : first - begin;
      const behind = index === this.count - 1 ? Number.POSITIVE_INFINITY : end - 1 - last;
      const room = Math.min(before, behind);
      if (room > most) {
        best = index;
        most = room;
      }
    }
    return best >= 0 ? best : this.#shareOf(pooling === 'first' ? first : last);
  }

  #shareOf(token: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.share(middle).end <= token) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #boundary(index: number): number {
    return (this.window(index).end + this.window(index + 1).begin) >>> 1;
  }
}
