import type { LabelTag } from './label-tags.js';

/** How the labels of a word's tokens become the word's; `simple` takes every token as a word. */
export type Aggregation = 'simple' | 'first' | 'average' | 'max';

export const aggregations: readonly Aggregation[] = ['simple', 'first', 'average', 'max'];

/** Tokens of one text, in order. */
export interface TokenScores {
  readonly count: number;
  /** [count, labels], probabilities. */
  readonly scores: Float32Array;
  /** [count], 1 where a token begins a word. */
  readonly wordBegins: Uint8Array;
}

/** Tokens `first` to `end` (half-open) are one mention; `score` is the mean of its words'. */
export interface TokenSpan {
  readonly first: number;
  readonly end: number;
  readonly score: number;
}

/** The mentions of a text, by the rules of transformers' token-classification pipeline. */
export function aggregateTokens(tokens: TokenScores, tags: readonly LabelTag[], aggregation: Aggregation): TokenSpan[] {
  const spans: TokenSpan[] = [];
  let open: { first: number; end: number; sum: number; words: number; type: string } | null = null;
  const close = () => {
    if (open !== null) spans.push({ first: open.first, end: open.end, score: open.sum / open.words });
    open = null;
  };
  for (const { first, end, label, score } of labelledWords(tokens, tags.length, aggregation)) {
    const { part, type } = tags[label] as LabelTag;
    const goesOn = open !== null && open.type === type && (part === 'inside' || part === 'last');
    if (!goesOn) close();
    if (part === 'outside') continue;
    open = open ?? { first, end, sum: 0, words: 0, type };
    open.end = end;
    open.sum += score;
    open.words++;
    if (part === 'last' || part === 'single') close();
  }
  close();
  return spans;
}

/** Tokens `first` to `end` (half-open) with the label of highest score. */
interface LabelledWord {
  readonly first: number;
  readonly end: number;
  readonly label: number;
  readonly score: number;
}

function* labelledWords(tokens: TokenScores, labels: number, aggregation: Aggregation): Generator<LabelledWord> {
  const { count, scores, wordBegins } = tokens;
  const scoresOf = (token: number) => scores.subarray(token * labels, (token + 1) * labels);
  for (let first = 0, end: number; first < count; first = end) {
    end = first + 1;
    if (aggregation !== 'simple') while (end < count && wordBegins[end] === 0) end++;
    let best = highest(scoresOf(first));
    if (aggregation === 'max') {
      for (let token = first + 1; token < end; token++) {
        const other = highest(scoresOf(token));
        if (other.score > best.score) best = other;
      }
    } else if (aggregation === 'average' && end > first + 1) {
      const sums = new Float32Array(labels);
      for (let token = first; token < end; token++) {
        for (const [label, score] of scoresOf(token).entries()) sums[label] = (sums[label] as number) + score;
      }
      best = highest(sums.map((sum) => sum / (end - first)));
    }
    yield { first, end, ...best };
  }
}

function highest(scores: Float32Array): { readonly label: number; readonly score: number } {
  let label = 0;
  for (let other = 1; other < scores.length; other++) {
    if ((scores[other] as number) > (scores[label] as number)) label = other;
  }
  return { label, score: scores[label] as number };
}
