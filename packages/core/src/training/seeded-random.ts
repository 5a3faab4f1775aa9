/** Numbers from 0 to below 1 that a seed and a place decide (mulberry32): the same in every run, and every place a sequence of its own. */
export function seededRandom(seed: number, place: number): () => number {
  let state =
    (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul((seed / 2 ** 32) | 0, 0x85ebca77) ^ Math.imul(place + 1, 0xc2b2ae3d)) |
    0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A new array in random order. */
export function shuffled<Value>(values: readonly Value[], random: () => number): Value[] {
  const order = [...values];
  for (let left = order.length; left > 1; left--) {
    const chosen = Math.floor(random() * left);
    [order[left - 1], order[chosen]] = [order[chosen] as Value, order[left - 1] as Value];
  }
  return order;
}
