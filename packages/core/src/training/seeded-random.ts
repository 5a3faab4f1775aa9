import { randomNumbers } from '../evaluation/random-numbers.js';

/** Numbers from 0 to below 1 that a seed and a place decide: the same in every run, and every place a sequence of its own. */
export function seededRandom(seed: number, place: number): () => number {
  return randomNumbers(
    Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul((seed / 2 ** 32) | 0, 0x85ebca77) ^ Math.imul(place + 1, 0xc2b2ae3d),
  );
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
