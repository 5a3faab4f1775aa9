import { expect, test } from 'vitest';
import { inLanes } from './in-lanes.js';

const pause = () => new Promise((resolve) => setTimeout(resolve, 5));

test('every item once, in order, never more at a time than there are lanes', async () => {
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  await inLanes(3, [0, 1, 2, 3, 4, 5, 6], async (item) => {
    begun.push(item);
    most = Math.max(most, ++running);
    await pause();
    running--;
  });
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(most).toBe(3);
});

test('nothing is begun after a failure', async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    await pause();
    if (item === 1) throw new Error('one');
    await pause();
  };
  await expect(inLanes(2, [0, 1, 2, 3, 4], work)).rejects.toThrow('one');
  await pause();
  await pause();
  expect(begun).toEqual([0, 1]);
});
