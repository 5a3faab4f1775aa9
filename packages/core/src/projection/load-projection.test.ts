import { fileURLToPath } from 'node:url';
import { CudaDevice } from '@ner-retriever/native';
import { expect, test } from 'vitest';
import { useEmulatedCuda } from '../../../../test/support/emulated-cuda.mjs';
import { loadProjection } from './load-projection.js';

const isEmulated = useEmulatedCuda();
const head = fileURLToPath(new URL('../../../../test/golden/heads/head.safetensors', import.meta.url));

test('a head of other dimensions is refused', async () => {
  await expect(loadProjection(head, 9, 4)).rejects.toMatchObject({ code: 'DIMENSIONS_DIFFER' });
  await expect(loadProjection(head, 8, 5)).rejects.toMatchObject({ code: 'DIMENSIONS_DIFFER' });
});

test.runIf(isEmulated)('on a GPU a head gives the vectors of the CPU, within the rounding of bfloat16', async () => {
  const device = await CudaDevice.open();
  const [onCpu, onGpu] = [await loadProjection(head, 8, 4), await loadProjection(head, 8, 4, device)];
  const rows = Float32Array.from({ length: 20 * 8 }, (_, i) => Math.sin(i * 12.9898) * 2);
  const [expected, found] = [onCpu.projectSync(rows), onGpu.projectSync(rows)];
  expect(found).not.toEqual(expected);
  for (const [i, value] of expected.entries()) expect(Math.abs((found[i] as number) - value)).toBeLessThan(0.02);
  await device.close();
});
