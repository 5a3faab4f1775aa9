/** How the vectors of a text's tokens become one, special tokens included. */
export const sentencePoolings = ['mean', 'cls', 'max', 'lasttoken'] as const;

export type SentencePooling = (typeof sentencePoolings)[number];

/**
 * One vector a text, not normalised.
 *
 * @param hidden row-major [texts, tokens, dimensions]; texts shorter than `tokens` are padded behind
 * @param lengths tokens of each text, at least 1
 */
export function poolSentences(
  hidden: Float32Array,
  tokens: number,
  lengths: readonly number[],
  pooling: SentencePooling,
): Float32Array {
  const dimensions = hidden.length / (tokens * lengths.length);
  const pooled = new Float32Array(lengths.length * dimensions);
  for (const [text, length] of lengths.entries()) {
    const token = (place: number) => hidden.subarray((text * tokens + place) * dimensions).subarray(0, dimensions);
    const vector = pooled.subarray(text * dimensions, (text + 1) * dimensions);
    if (pooling === 'cls') vector.set(token(0));
    else if (pooling === 'lasttoken') vector.set(token(length - 1));
    else {
      vector.set(token(0));
      for (let place = 1; place < length; place++) {
        const values = token(place);
        for (let at = 0; at < dimensions; at++) {
          const [before, value] = [vector[at] as number, values[at] as number];
          vector[at] = pooling === 'max' ? Math.max(before, value) : before + value;
        }
      }
      if (pooling === 'mean') for (let at = 0; at < dimensions; at++) vector[at] = (vector[at] as number) / length;
    }
  }
  return pooled;
}
