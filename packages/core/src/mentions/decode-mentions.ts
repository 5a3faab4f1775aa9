/** Scores of consecutive words, each the score of its first word piece. */
export interface WordScores {
  readonly count: number;
  /** Token with which each word begins, and one more entry: the token after the last word. */
  readonly firstTokens: Int32Array;
  /** P(B) and P(I) of each word. */
  readonly begin: Float32Array;
  readonly inside: Float32Array;
}

/** Words `first` to `end` (half-open) are one mention; `score` is the mean of their P(B) + P(I). */
export interface WordSpan {
  readonly first: number;
  readonly end: number;
  readonly score: number;
}

/**
 * The mentions in a run of words. A word with P(B) + P(I) of at least `threshold` is in a mention: in that of the word before
 * it where there is one and P(I) > P(B), else in a new one. The training side scores itself by the same rule.
 */
export function decodeMentions({ count, begin, inside }: WordScores, threshold: number): WordSpan[] {
  const spans: WordSpan[] = [];
  let first = -1;
  let sum = 0;
  for (let word = 0; word <= count; word++) {
    const beginScore = begin[word] as number;
    const insideScore = inside[word] as number;
    const mentioned = word < count && beginScore + insideScore >= threshold;
    if (first >= 0 && !(mentioned && insideScore > beginScore)) {
      spans.push({ first, end: word, score: sum / (word - first) });
      first = -1;
    }
    if (!mentioned) continue;
    if (first < 0) {
      first = word;
      sum = 0;
    }
    sum += beginScore + insideScore;
  }
  return spans;
}
