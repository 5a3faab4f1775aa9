import { spawnSync } from 'node:child_process';
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

/** Opens an embedder where the provider's files seem to be there, and its libraries are not: half an installation. */
function openWithProvider(device: string) {
  const script = `
    import { registerHooks } from 'node:module';
    registerHooks({
      load: (url, context, next) =>
        url.endsWith('/dist/device/cuda-provider.js')
          ? { format: 'module', shortCircuit: true, source: 'export const cudaProvider = () => ({ installed: true });' }
          : next(url, context),
    });
    const { Embedder } = await import(${JSON.stringify(import.meta.resolve('@ner-retriever/core'))});
    try {
      await using embedder = await Embedder.open(${JSON.stringify(model)}, { device: '${device}', workers: 1 });
      const { rows } = await embedder.embedTypes(['dinosaur']);
      console.log(JSON.stringify({ ...embedder.device, rows }));
    } catch ({ code, message }) {
      console.log(JSON.stringify({ code, message }));
    }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  // ONNX Runtime has a line of its own for it; it must not come beside ours.
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe.skipIf(!isEmulated || installed)('a GPU, and a CUDA provider that does not load', () => {
  const refused = expect.stringMatching(/ONNX Runtime's CUDA provider refused \(it needs CUDA 12 and cuDNN 9\): \S/);

  test('auto goes on without, on the CPU', () => {
    expect(openWithProvider('auto')).toEqual({ device: 'cpu', reason: refused, rows: 1 });
  });

  test('cuda is an error', () => {
    expect(openWithProvider('cuda')).toEqual({ code: 'DEVICE_UNAVAILABLE', message: refused });
  });
});
