/** The sizes of Llama 3.1 8B, whose `width` (the hidden size) is 4096, or of a narrower one with as many blocks: a multiple of 512. */
export function llama8b(width, dtype) {
  const share = width / 4096;
  return {
    hidden: width,
    heads: 32 * share,
    keyValueHeads: 8 * share,
    headSize: 128,
    intermediate: 14_336 * share,
    blocks: 32,
    vocabulary: 128_256 * share,
    dtype,
    seed: 31,
  };
}
