import type { Duplex } from 'node:stream';

/** A block can hold 46 MB of one character in a few bytes: what one piece of the input may become is bounded. */
const maximumBytesAtOnce = 256 * 1024 * 1024;

/** Decompresses bzip2, several streams behind each other too; hands on every whole block that came before a break, and then throws. */
export async function* unbzip2(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // @ts-expect-error The package has no types; it gives an old-style stream that works while `write` runs.
  const { default: unbzip2Stream } = (await import('unbzip2-stream')) as { default: () => Duplex };
  const stream = unbzip2Stream();
  let ready: Uint8Array[] = [];
  let bytes = 0;
  let failure: Error | undefined;
  stream.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > maximumBytesAtOnce) throw new Error(`more than ${maximumBytesAtOnce} bytes come from a few`);
    ready.push(chunk);
  });
  stream.on('error', (error: Error) => {
    // Where the input breaks off, the package reads beyond its last byte.
    failure = error instanceof TypeError ? new Error('unexpected end of file') : error;
  });
  const take = () => {
    const taken = ready;
    ready = [];
    bytes = 0;
    return taken;
  };
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length && !failure; from += 1024) {
      stream.write(chunk.subarray(from, from + 1024));
      yield* take();
    }
    if (failure) throw failure;
  }
  stream.end();
  yield* take();
  if (failure) throw failure;
}
