/** Half-open range of a text's words. */
export interface WordRange {
  readonly begin: number;
  readonly end: number;
}

/**
 * How a text's words are cut into windows for a model that takes so many words and so many tokens: each as long as can be, and
 * overlapping the one before by about a quarter. A text that fits is one window.
 */
export class WordWindows {
  readonly ranges: readonly WordRange[];

  /** @param tokens Tokens of each word; none of more than `mostTokens`. */
  constructor(tokens: readonly number[], mostWords: number, mostTokens: number) {
    const ranges: WordRange[] = [];
    let begin = 0;
    let end = 0;
    while (end < tokens.length) {
      let room = mostTokens;
      for (end = begin; end < tokens.length && end - begin < mostWords; end++) {
        room -= tokens[end] as number;
        if (room < 0) break;
      }
      ranges.push({ begin, end });
      // The word behind must fit in as well: each window ends farther on than the one before.
      let overlap = Math.min(mostTokens / 4, mostTokens - (tokens[end] ?? 0));
      let next = end;
      while (next > begin + 1 && end - next < mostWords / 4) {
        overlap -= tokens[next - 1] as number;
        if (overlap < 0) break;
        next--;
      }
      begin = next;
    }
    this.ranges = ranges;
  }

  /** The window in which words `first` to `last` (inclusive) lie farthest from the edges; -1 where none holds them all. */
  best(first: number, last: number): number {
    let best = -1;
    let most = -1;
    for (let index = this.#firstBehind(last); index < this.ranges.length; index++) {
      const { begin, end } = this.ranges[index] as WordRange;
      if (begin > first) break;
      // The text's own ends are no edges: nothing is cut off there.
      const before = index === 0 ? Number.POSITIVE_INFINITY : first - begin;
      const behind = index === this.ranges.length - 1 ? Number.POSITIVE_INFINITY : end - 1 - last;
      const room = Math.min(before, behind);
      if (room > most) {
        best = index;
        most = room;
      }
    }
    return best;
  }

  /** The first window that ends behind `word`. */
  #firstBehind(word: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ranges[middle] as WordRange).end <= word) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
