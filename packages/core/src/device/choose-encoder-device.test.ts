import { fileURLToPath } from 'node:url';
import { Embedder } from '@ner-retriever/core';
import { describe, expect, test } from 'vitest';
import { useEmulatedCuda } from '../../../../test/support/emulated-cuda.mjs';
import { chooseEncoderDevice } from './choose-encoder-device.js';
import { cudaProvider } from './cuda-provider.js';

const isEmulated = useEmulatedCuda();
const model = fileURLToPath(new URL('../../../../test/fixtures/tiny-model', import.meta.url));
const { installed, install } = cudaProvider();

test('what installs the provider names the script of the package that is in use', () => {
  expect(install).toMatch(/^ONNXRUNTIME_NODE_INSTALL=cuda12 node ".*onnxruntime-node.*install\.js"$/);
});

test('the CPU is a choice that needs no reason', async () => {
  expect(await chooseEncoderDevice('cpu')).toEqual({ device: 'cpu', reason: 'asked for' });
});

test('another word is refused', async () => {
  await expect(Embedder.open(model, { device: 'gpu' as never })).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    message: expect.stringContaining("'auto', 'cpu' or 'cuda'"),
  });
});

describe.skipIf(!isEmulated || installed)('a GPU without the CUDA provider of ONNX Runtime', () => {
  test('auto says why the encoder is on the CPU, and it works', async () => {
    await using embedder = await Embedder.open(model, { workers: 1 });
    expect(embedder.device).toEqual({
      device: 'cpu',
      reason: expect.stringContaining('CUDA provider is not installed'),
    });
    expect((await embedder.embedTypes(['dinosaur'])).rows).toBe(1);
  });

  test('cuda is an error that says what to install', async () => {
    await expect(Embedder.open(model, { device: 'cuda' })).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      status: 503,
      message: expect.stringContaining(install),
    });
  });
});
