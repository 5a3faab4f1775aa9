import { Decompress } from 'fzstd';

/** Decompresses Zstandard; hands on every byte that came before a break, and then throws. */
export async function* unzstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  // Copied: the window of a frame is written over.
  const decompress = new Decompress((data) => ready.push(data.slice()));
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; from += 65_536) {
      try {
        decompress.push(chunk.subarray(from, from + 65_536));
      } finally {
        yield* ready;
        ready = [];
      }
    }
  }
  decompress.push(new Uint8Array(0), true);
  yield* ready;
}
