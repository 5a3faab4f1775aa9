/** The sizes of a Llama that a test or a benchmark makes. */
export interface LlamaShape {
  readonly hidden: number;
  /** Heads of queries, a multiple of `keyValueHeads`. */
  readonly heads: number;
  readonly keyValueHeads: number;
  /** A multiple of 16: GroupQueryAttention turns no others. */
  readonly headSize: number;
  readonly intermediate: number;
  readonly blocks: number;
  /** At least 257: a token for each byte, and the one that begins a text. */
  readonly vocabulary: number;
  readonly dtype: 'float32' | 'float16';
  readonly seed: number;
}

/** Longest text, in tokens. */
export const maximumTokens = 2048;

export const rotaryBase = 500_000;

export const normEpsilon = 1e-5;

/** The token that begins every text: the last one, behind the bytes and their merges. */
export function beginToken({ vocabulary }: LlamaShape): number {
  return vocabulary - 1;
}
