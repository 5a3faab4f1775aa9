import { createGunzip } from 'node:zlib';

/**
 * Decompresses gzip. Unlike a pipeline, which drops what it holds when its source breaks off, this hands on every byte that came
 * before the break, and then throws.
 */
export async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = createGunzip();
  let ready: Uint8Array[] = [];
  let failure: Error | undefined;
  stream.on('data', (chunk: Uint8Array) => ready.push(chunk));
  stream.on('error', (error) => {
    failure = error;
  });
  // Comes after the end, and after a failure in place of whatever else was waited for.
  const closed = new Promise<void>((resolve) => stream.once('close', resolve));
  try {
    for await (const chunk of chunks) {
      // Small pieces, each wholly decompressed before the next: 16 KiB can become 16 MiB, not more.
      for (let from = 0; from < chunk.length && !failure; from += 16_384) {
        const piece = chunk.subarray(from, from + 16_384);
        await Promise.race([new Promise<void>((resolve) => stream.write(piece, () => resolve())), closed]);
        yield* ready;
        ready = [];
      }
      if (failure) break;
    }
    if (!failure) stream.end();
    await closed;
    yield* ready;
    if (failure) throw failure;
  } finally {
    stream.destroy();
  }
}
