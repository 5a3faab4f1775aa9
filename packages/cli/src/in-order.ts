/**
 * Gathers items into chunks, works on up to `inFlight` chunks at once, and hands back the results in the order of the items. The
 * source is read no further ahead than that.
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item>,
  options: {
    /** A chunk is full when its items weigh this much together. */
    readonly chunkWeight: number;
    readonly inFlight: number;
    readonly weight: (item: Item) => number;
    readonly work: (chunk: Item[]) => Promise<Result>;
  },
): AsyncGenerator<Result> {
  const { chunkWeight, inFlight, weight, work } = options;
  const running: Promise<Result>[] = [];
  let chunk: Item[] = [];
  let chunkNow = 0;
  const start = (): void => {
    const result = work(chunk);
    // Its turn comes later; until then a failure is not unhandled.
    result.catch(() => {});
    running.push(result);
    chunk = [];
    chunkNow = 0;
  };
  try {
    for await (const item of items) {
      chunk.push(item);
      chunkNow += weight(item);
      if (chunkNow < chunkWeight) continue;
      start();
      if (running.length >= inFlight) yield await (running.shift() as Promise<Result>);
    }
    if (chunk.length > 0) start();
    while (running.length > 0) yield await (running.shift() as Promise<Result>);
  } finally {
    await Promise.allSettled(running);
  }
}
