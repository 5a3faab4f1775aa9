import type { CudaDevice } from '@ner-retriever/native';
import { expect, test } from 'vitest';
import { onGpu } from './on-gpu.js';

const gpu = {} as CudaDevice;
const fail = () => {
  throw new Error('out of memory: 4 GB asked for');
};

test('what fails on a GPU is said as such, and what to do', async () => {
  expect(await onGpu(gpu, 'the training', async () => 7)).toBe(7);
  await expect(onGpu(gpu, 'the training', fail)).rejects.toMatchObject({
    code: 'DEVICE_FAILED',
    message: expect.stringMatching(/failed in the training: out of memory: 4 GB asked for\. .*the device cpu\.$/),
  });
});

test('without one an error stays what it is', async () => {
  await expect(onGpu(null, 'the training', fail)).rejects.toThrow(/^out of memory/);
});
