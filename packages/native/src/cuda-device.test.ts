import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useEmulatedCuda } from '../../../test/support/emulated-cuda.mjs';
import { randomFloats } from '../test/random-floats.mjs';
import { CudaDevice } from './cuda-device.js';
import { HeadTrainer } from './head-trainer.js';
import { poolSpans } from './pool-spans.js';
import { Projection } from './projection.js';

const isEmulated = useEmulatedCuda();
const built = new URL('../dist/index.js', import.meta.url).href;

function greatestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

test('what is no device is refused', async () => {
  expect(() => new Projection([], 2, { device: {} as CudaDevice })).toThrow('expected device to be a CudaDevice');
  await expect(CudaDevice.open({ index: 1 } as never)).rejects.toThrow(
    "expected options of CudaDevice to be number, memoryLimit, got 'index'",
  );
});

describe.runIf(isEmulated)('a device', () => {
  let device: CudaDevice;
  beforeAll(async () => {
    device = await CudaDevice.open();
  });
  afterAll(() => device.close());

  test('describes itself', async () => {
    const description = await device.describe();
    expect(description.name).toMatch(/\S/);
    expect(description.computeCapability).toMatch(/^\d+\.\d$/);
    expect(description.memoryBytes).toBeGreaterThan(0);
    expect(description.driverVersion).toMatch(/^\d+\.\d+$/);
  });

  test('a number that no device has is an error that says so', async () => {
    await expect(CudaDevice.open({ number: 77 })).rejects.toThrow(/expected a GPU from 0 to \d+, got 77/);
    await expect(CudaDevice.open({ number: -1 })).rejects.toThrow(RangeError);
    await expect(CudaDevice.open({ memoryLimit: 0.5 })).rejects.toThrow(RangeError);
  });

  test('pools spans as the CPU does', () => {
    const rows = randomFloats(50 * 24, 1);
    const spans = Int32Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? i : Math.min(50, i + (i % 7))));
    for (const pooling of ['last', 'first', 'mean', 'first+last'] as const) {
      expect(poolSpans(rows, 24, spans, pooling, device)).toEqual(poolSpans(rows, 24, spans, pooling));
    }
    expect(() => poolSpans(rows, 24, Int32Array.of(3, 3), 'last', device)).toThrow(RangeError);
  });

  describe('a projection on it', () => {
    const layers = [
      { weight: randomFloats(40 * 24, 2), bias: randomFloats(40, 3) },
      { weight: randomFloats(16 * 40, 4), bias: randomFloats(16, 5) },
    ];
    const rows = randomFloats(70 * 24, 6);
    const onCpu = new Projection(layers, 24);

    test('agrees with the CPU within bfloat16, and a row does not depend on the others', async () => {
      const projection = new Projection(layers, 24, { device });
      expect([projection.inputDimensions, projection.outputDimensions]).toEqual([24, 16]);
      const projected = await projection.project(rows);
      expect(greatestDifference(projected, onCpu.projectSync(rows))).toBeLessThan(0.03);
      expect(projection.projectSync(rows)).toEqual(projected);
      expect(projection.projectSync(rows.subarray(7 * 24, 8 * 24))).toEqual(projected.slice(7 * 16, 8 * 16));
    });

    test('projects pooled spans', async () => {
      const projection = new Projection(layers, 24, { device });
      const spans = Int32Array.of(0, 3, 5, 6, 2, 70, 69, 70);
      for (const pooling of ['last', 'first', 'mean'] as const) {
        const found = await projection.projectSpans(rows, spans, pooling);
        expect(found).toEqual(projection.projectSpansSync(rows, spans, pooling));
        const expected = onCpu.projectSync(poolSpans(rows, 24, spans, pooling));
        expect(greatestDifference(found, expected)).toBeLessThan(0.03);
      }
      await expect(projection.projectSpans(rows, Int32Array.of(0, 71), 'last')).rejects.toThrow(RangeError);
    });

    test('keeps the device alive that was closed, and no new one is made on it', async () => {
      const other = await CudaDevice.open();
      const projection = new Projection(layers, 24, { device: other });
      await Promise.all([other.close(), other.close()]);
      expect(greatestDifference(await projection.project(rows), onCpu.projectSync(rows))).toBeLessThan(0.03);
      expect(() => new Projection(layers, 24, { device: other })).toThrow('the device was closed');
      await expect(other.describe()).rejects.toMatchObject({ code: 'CLOSED' });
    });

    test('a limit that is too small is an error with its code, and the device stays usable', async () => {
      const small = await CudaDevice.open({ memoryLimit: 64 * 1024 });
      const large = [{ weight: new Float32Array(1024 * 1024), bias: new Float32Array(1024) }];
      expect(() => new Projection(large, 1024, { device: small })).toThrow(
        expect.objectContaining({ code: 'OUT_OF_MEMORY' }),
      );
      expect(new Projection([], 2, { device: small }).projectSync(Float32Array.of(3, 4))).toEqual(
        Float32Array.of(0.6, 0.8),
      );
      await small.close();
    });
  });

  test('trains as the CPU does', async () => {
    const shape = { inputDimensions: 12, hiddenDimensions: 10, outputDimensions: 8, gate: true, dropout: 0.1, seed: 3 };
    const parameters = randomFloats(12 + 12 * 10 + 10 + 10 * 8 + 8, 1).map((value) => value / 4);
    const batch = {
      table: randomFloats(20 * 12, 2),
      rows: Int32Array.from({ length: 20 }, (_, i) => i),
      anchors: Int32Array.of(0, 1, 2),
      positives: Int32Array.of(3, 4, 5),
      negatives: Int32Array.of(6, 7, 8),
    };
    const loss = { loss: 'triplet', margin: 0.5 } as const;
    const [cpu, gpu] = [new HeadTrainer(shape, { parameters }), new HeadTrainer({ ...shape, device }, { parameters })];
    for (let step = 0; step < 3; step += 1) {
      const [one, other] = await Promise.all([
        cpu.step(batch, loss, { learningRate: 0.01 }),
        gpu.step(batch, loss, { learningRate: 0.01 }),
      ]);
      expect(other.loss).toBeCloseTo(one.loss, 2);
    }
    const [expected, state] = await Promise.all([cpu.state(), gpu.state()]);
    expect(state.steps).toBe(3);
    expect(greatestDifference(state.parameters, expected.parameters)).toBeLessThan(0.05);
  });

  test.each(['terminate-on-device', 'exit-on-device'])('%s leaves the process alive', (scenario) => {
    const file = fileURLToPath(new URL(`../test/scenarios/${scenario}.mjs`, import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 50_000 });
    expect(stderr).toBe('');
    expect(stdout).toBe('alive\n');
    expect(status).toBe(0);
  });

  test('worker threads open devices of their own and leave them open', async () => {
    const source = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(built)}).then(async ({ CudaDevice, Projection }) => {
        const projection = new Projection([], 2, { device: await CudaDevice.open() });
        parentPort.postMessage(await projection.project(Float32Array.of(3, 4)));
      });`;
    const answers = [0, 1, 2].map(
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(source, { eval: true });
          let answer: unknown;
          worker.once('message', (message) => {
            answer = message;
          });
          worker.once('error', reject);
          worker.once('exit', () => resolve(answer));
        }),
    );
    for (const answer of await Promise.all(answers)) expect(answer).toEqual(Float32Array.of(0.6, 0.8));
  });
});
