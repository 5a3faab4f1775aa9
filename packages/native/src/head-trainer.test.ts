import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { randomFloats } from '../test/random-floats.mjs';
import { HeadTrainer, type TrainingBatch, type TrainingLoss } from './head-trainer.js';
import { info } from './info.js';

interface Golden {
  name: string;
  dimensions: [number, number, number];
  gate: boolean;
  dropout: number;
  seed: number;
  loss: TrainingLoss;
  update: { learningRate: number; weightDecay: number; maximumGradientNorm: number };
  batch: { rows: number[]; anchors: number[]; positives: number[]; negatives: number[][]; contrast?: number[] };
  table: number[];
  parameters: number[];
  gradients: number[];
  losses: number[];
  trained: number[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../../test/golden/training/training.json', import.meta.url), 'utf8'),
) as Golden[];

function worst(found: Float32Array, expected: readonly number[]): number {
  expect(found.length).toBe(expected.length);
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected[i] as number))), 0);
}

const matmuls = info().openblas.available ? (['own', 'openblas'] as const) : (['own'] as const);

describe.each(matmuls)('with %s products', (matmul) => {
  test.each(golden)('$name: loss, gradients and steps are PyTorch’s', async (each) => {
    const [inputDimensions, hiddenDimensions, outputDimensions] = each.dimensions;
    const { gate, dropout, seed, loss } = each;
    const trainer = new HeadTrainer(
      { inputDimensions, hiddenDimensions, outputDimensions, gate, dropout, seed, matmul },
      { parameters: Float32Array.from(each.parameters) },
    );
    const batch: TrainingBatch = {
      table: Float32Array.from(each.table),
      rows: Int32Array.from(each.batch.rows),
      anchors: Int32Array.from(each.batch.anchors),
      positives: Int32Array.from(each.batch.positives),
      negatives: Int32Array.from(each.batch.negatives.flat()),
      ...(each.batch.contrast && { contrast: Uint8Array.from(each.batch.contrast) }),
    };
    const first = await trainer.gradients(batch, loss);
    expect(first.loss).toBeCloseTo(each.losses[0] as number, 5);
    expect(worst(first.gradients, each.gradients)).toBeLessThan(1e-4);

    const steps = await Promise.all(each.losses.map(() => trainer.step(batch, loss, each.update)));
    for (const [step, expected] of each.losses.entries()) expect(steps[step]?.loss).toBeCloseTo(expected, 4);
    const state = await trainer.state();
    expect(state.steps).toBe(each.losses.length);
    expect(worst(state.parameters, each.trained)).toBeLessThan(1e-4);
  });
});

const options = { inputDimensions: 6, hiddenDimensions: 5, outputDimensions: 4 };
const parameters = randomFloats(6 * 5 + 5 + 5 * 4 + 4, 3);
const batch: TrainingBatch = {
  table: randomFloats(10 * 6, 4),
  rows: Int32Array.of(0, 3, 9, 4),
  anchors: Int32Array.of(0, 0),
  positives: Int32Array.of(1, 2),
  negatives: Int32Array.of(3, 3),
};
const triplet: TrainingLoss = { loss: 'triplet', margin: 0.5 };

test('a trainer goes on from a state as if it had not stopped, whatever the threads', async () => {
  const train = async (trainer: HeadTrainer, steps: number) => {
    for (let i = 0; i < steps; i++) await trainer.step(batch, triplet, { learningRate: 0.01 });
    return trainer.state();
  };
  const own = { ...options, dropout: 0.2, seed: 5, matmul: 'own' } as const;
  const straight = await train(new HeadTrainer({ ...own, threads: 2 }, { parameters }), 9);
  const half = await train(new HeadTrainer({ ...own, threads: 1 }, { parameters }), 4);
  expect(await train(new HeadTrainer({ ...own, threads: 3 }, half), 5)).toEqual(straight);
});

test('arguments that cannot be are refused by name', async () => {
  const trainer = new HeadTrainer(options, { parameters });
  const gradients = (changes: object, loss: TrainingLoss = triplet) =>
    trainer.gradients({ ...batch, ...changes } as TrainingBatch, loss);
  await expect(gradients({ rows: [1] })).rejects.toThrow('rows to be a Int32Array');
  await expect(gradients({ rows: Int32Array.of(0, 3, 10, 4) })).rejects.toThrow('within the 10 of the table');
  await expect(gradients({ anchors: Int32Array.of(0, 4) })).rejects.toThrow('within the 4 rows of the batch');
  await expect(gradients({ positives: Int32Array.of(0) })).rejects.toThrow('as many positives as anchors, 2, got 1');
  await expect(gradients({ negatives: Int32Array.of(0) })).rejects.toThrow('negatives for each of 2 anchors, got 1');
  await expect(gradients({ anchors: new Int32Array(0), positives: new Int32Array(0) })).rejects.toThrow('at least 1');
  await expect(gradients({ contrast: new Uint8Array(3) })).rejects.toThrow('contrast to be [2, 2], got 3');
  await expect(gradients({ table: new Float32Array(7) })).rejects.toThrow('whole number of rows of 6');
  await expect(gradients({}, { loss: 'cosine' } as never)).rejects.toThrow("'triplet' or 'info-nce', got 'cosine'");
  await expect(gradients({}, { loss: 'info-nce', temperature: 0 })).rejects.toThrow('a temperature above 0');
  await expect(gradients({}, { loss: 'triplet' } as never)).rejects.toThrow('margin to be a number');
  expect((await gradients({})).gradients).toHaveLength(parameters.length);

  const create = (changes: object, state: object = { parameters }) =>
    new HeadTrainer({ ...options, ...changes } as never, state as never);
  expect(() => create({ hiddenDimensions: 6 })).toThrow('parameters to be the 70 of these dimensions, got 59');
  expect(() => create({ dropout: 1 })).toThrow('dropout from 0 to below 1');
  expect(() => create({ threads: 0 })).toThrow(RangeError);
  expect(() => create({ matmul: 'fast' })).toThrow("'auto', 'openblas' or 'own'");
  expect(() => create({}, { parameters, steps: -1 })).toThrow(RangeError);
  expect(() => create({}, { parameters, firstMoments: new Float32Array(2) })).toThrow('firstMoments to be the 59');
});

test('arrays over shared or resizable memory, and detached ones, are refused', async () => {
  const trainer = new HeadTrainer(options, { parameters });
  const gradients = (table: Float32Array) => trainer.gradients({ ...batch, table }, triplet);
  await expect(gradients(new Float32Array(new SharedArrayBuffer(240)))).rejects.toThrow('shared memory');
  await expect(gradients(new Float32Array(new ArrayBuffer(240, { maxByteLength: 480 })))).rejects.toThrow('resizable');
  const detached = new Float32Array(60);
  structuredClone(detached, { transfer: [detached.buffer] });
  await expect(gradients(detached)).rejects.toThrow('a detached array');
});
