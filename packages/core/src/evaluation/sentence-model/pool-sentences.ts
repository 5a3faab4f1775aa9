/** How the vectors of a text's tokens become one. */
export const sentencePoolings = ['mean', 'cls', 'max', 'lasttoken'] as const;

export type SentencePooling = (typeof sentencePoolings)[number];

/** Token ids of a text, and which of them are pooled: half-open, never empty. */
export interface SentenceTokens {
  readonly ids: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * One vector a text, not normalised.
 *
 * @param hidden row-major [texts, tokens, dimensions]; texts shorter than `tokens` are padded behind
 */
export function poolSentences(
  hidden: Float32Array,
  tokens: number,
  texts: readonly SentenceTokens[],
  pooling: SentencePooling,
): Float32Array {
  const dimensions = hidden.length / (tokens * texts.length);
  const pooled = new Float32Array(texts.length * dimensions);
  for (const [text, { begin, end }] of texts.entries()) {
    const token = (place: number) => hidden.subarray((text * tokens + place) * dimensions).subarray(0, dimensions);
    const vector = pooled.subarray(text * dimensions, (text + 1) * dimensions);
    if (pooling === 'cls') vector.set(token(begin));
    else if (pooling === 'lasttoken') vector.set(token(end - 1));
    else {
      vector.set(token(begin));
      for (let place = begin + 1; place < end; place++) {
        const values = token(place);
        for (let at = 0; at < dimensions; at++) {
          const [before, value] = [vector[at] as number, values[at] as number];
          vector[at] = pooling === 'max' ? Math.max(before, value) : before + value;
        }
      }
      if (pooling === 'mean')
        for (let at = 0; at < dimensions; at++) vector[at] = (vector[at] as number) / (end - begin);
    }
  }
  return pooled;
}
