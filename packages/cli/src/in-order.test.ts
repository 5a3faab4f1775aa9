import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inOrder } from './in-order.js';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let number = 1; number <= count; number++) yield number;
}

test('chunks by weight, works on several at once, results in order', async () => {
  let running = 0;
  let most = 0;
  const results: number[][] = [];
  const chunks = inOrder(numbers(10), {
    chunkWeight: 6,
    inFlight: 2,
    weight: (number) => number,
    work: async (chunk) => {
      running += 1;
      most = Math.max(most, running);
      await wait(chunk[0] === 1 ? 30 : 1);
      running -= 1;
      return chunk;
    },
  });
  for await (const chunk of chunks) results.push(chunk);
  expect(results).toEqual([[1, 2, 3], [4, 5], [6], [7], [8], [9], [10]]);
  expect(most).toBe(2);
});

test('reads no further ahead than its chunks', async () => {
  let read = 0;
  async function* counted() {
    for await (const number of numbers(100)) {
      read = number;
      yield number;
    }
  }
  for await (const _ of inOrder(counted(), { chunkWeight: 1, inFlight: 3, weight: () => 1, work: async () => {} }))
    break;
  expect(read).toBe(3);
});

test('a failure comes out at its turn, and nothing is left running', async () => {
  const done: number[] = [];
  const chunks = inOrder(numbers(3), {
    chunkWeight: 1,
    inFlight: 3,
    weight: () => 1,
    work: async ([number]) => {
      if (number === 2) throw new Error('two');
      await wait(5);
      done.push(number as number);
      return number;
    },
  });
  await expect(
    (async () => {
      for await (const _ of chunks);
    })(),
  ).rejects.toThrow('two');
  expect(done).toEqual([1, 3]);
});
