import { describe, expect, test } from 'vitest';
import { useEmulatedCuda } from '../../../../test/support/emulated-cuda.mjs';
import { clusteredTaps } from '../../test-support/clustered-taps.js';
import { trainOnTaps } from './train-on-taps.js';

const isEmulated = useEmulatedCuda();
const taps = clusteredTaps();
const small = {
  hiddenDimensions: 32,
  outputDimensions: 16,
  epochs: 1,
  batchSize: 64,
  learningRate: 3e-3,
  heldOutTypes: 0.25,
};

test('another device is refused before anything else', async () => {
  await expect(trainOnTaps(taps, { ...small, device: 'tpu' as never })).rejects.toMatchObject({
    code: 'OPTION_INVALID',
  });
});

describe.runIf(isEmulated)('training on a GPU', () => {
  test('learns what the CPU learns, the same every time, and says where it was', async () => {
    const [cpu, cuda, again] = await Promise.all(
      (['cpu', 'cuda', 'cuda'] as const).map((device) => trainOnTaps(taps, { ...small, device })),
    );
    expect(cpu?.report.device).toEqual({ device: 'cpu', reason: 'asked for' });
    expect(cuda?.report.device).toEqual({ device: 'cuda', reason: expect.stringMatching(/\S/) });
    expect(again?.weights).toEqual(cuda?.weights);
    for (const [epoch, { loss }] of (cpu?.report.epochs ?? []).entries()) {
      expect(cuda?.report.epochs[epoch]?.loss).toBeCloseTo(loss, 2);
    }
  });
});
