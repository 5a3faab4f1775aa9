import type { ScoredSpan } from './select-spans.js';

/** A batch of logits, row-major, and how it is laid out. */
export interface GlinerLogits {
  readonly data: Float32Array;
  readonly texts: number;
  /** Words of the longest text. */
  readonly words: number;
  /** Widest span; of token-level models 3: start, end, inside. */
  readonly width: number;
  readonly classes: number;
}

/** The spans of text `index` that some class takes for a mention: of at least `threshold`, each by its classes' scores. */
export type ReadSpans = (
  logits: GlinerLogits,
  index: number,
  wordsOfText: number,
  threshold: number,
) => Generator<ScoredSpan>;

/** Span-level models, [texts, words, width, classes]: a score for every span of up to `width` words. */
export function* spansOfWidths(
  { data, words, width, classes }: GlinerLogits,
  index: number,
  wordsOfText: number,
  threshold: number,
): Generator<ScoredSpan> {
  for (let first = 0; first < wordsOfText; first++) {
    for (let more = 0; more < width && first + more < wordsOfText; more++) {
      const at = ((index * words + first) * width + more) * classes;
      for (let type = 0; type < classes; type++) {
        const score = sigmoid(data[at + type] as number);
        if (score >= threshold) yield { first, last: first + more, score };
      }
    }
  }
}

/**
 * Token-level models: a span begins where `start` is high, ends where `end` is, and all of its words are `inside`; its score is the
 * least of all these.
 *
 * @param at Where in the data the score (0 start, 1 end, 2 inside) of a word and class is.
 */
export function spansOfMarks(
  at: (logits: GlinerLogits, index: number, word: number, type: number, mark: number) => number,
): ReadSpans {
  return function* (logits, index, wordsOfText, threshold) {
    const score = (word: number, type: number, mark: number) =>
      sigmoid(logits.data[at(logits, index, word, type, mark)] as number);
    for (let first = 0; first < wordsOfText; first++) {
      for (let type = 0; type < logits.classes; type++) {
        const start = score(first, type, 0);
        if (start < threshold) continue;
        let least = start;
        for (let last = first; last < wordsOfText; last++) {
          const inside = score(last, type, 2);
          if (inside < threshold) break;
          least = Math.min(least, inside);
          const end = score(last, type, 1);
          if (end >= threshold) yield { first, last, score: Math.min(least, end) };
        }
      }
    }
  };
}

/** [texts, words, classes, marks], as GLiNER exports since its marks are the last axis. */
export const spansOfLastMarks = spansOfMarks(
  ({ words, classes }, index, word, type, mark) => ((index * words + word) * classes + type) * 3 + mark,
);

/** [marks, texts, words, classes], as it exported before. */
export const spansOfFirstMarks = spansOfMarks(
  ({ texts, words, classes }, index, word, type, mark) => ((mark * texts + index) * words + word) * classes + type,
);

/** In float32, as the models' own code: where it is 1 for two spans, their order decides. */
function sigmoid(logit: number): number {
  return Math.fround(1 / (1 + Math.exp(-logit)));
}
