import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusteredTaps } from '../../test-support/clustered-taps.js';
import { trainOnTaps } from './train-on-taps.js';
import type { TrainingOptions, TrainingProgress } from './training-options.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ner-retriever-training-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const taps = clusteredTaps();
const small = {
  hiddenDimensions: 32,
  outputDimensions: 16,
  epochs: 8,
  batchSize: 64,
  learningRate: 3e-3,
  heldOutTypes: 0.25,
} as const satisfies TrainingOptions;

describe('a trained head', () => {
  test.each([
    ['triplet', {}],
    ['triplet with a gate and in-batch negatives', { gate: true, negatives: { inBatch: 0.5, random: 0.3, hard: 0.2 } }],
    ['info-nce', { loss: 'info-nce' }],
    ['info-nce with given negatives alone', { loss: 'info-nce', negatives: { random: 0.5, hard: 0.5 } }],
  ] as const)('(%s) finds types that it never saw, where the vectors alone do not', async (_, options) => {
    const { report, weights } = await trainOnTaps(taps, { ...small, ...options });
    expect(report.trainedTypes).toBe(15);
    expect(report.heldOutTypes).toHaveLength(5);
    expect(report.examples).toBe(450);
    const { head, withoutHead } = report.rPrecision as { head: number; withoutHead: number };
    expect(head).toBeGreaterThan(withoutHead + 0.2);
    const losses = report.epochs.map(({ loss }) => loss);
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) * 0.8);
    expect(report.epochs[report.bestEpoch - 1]?.rPrecision).toBe(head);
    expect(weights.gate === null).toBe(!('gate' in options));
    expect(weights.layers.map(({ inputDimensions, outputDimensions }) => [inputDimensions, outputDimensions])).toEqual([
      [24, 32],
      [32, 16],
    ]);
  });

  test('is the same for the same seed, and another for another', async () => {
    const of = async (options: TrainingOptions) =>
      (await trainOnTaps(taps, { ...small, epochs: 2, ...options })).weights;
    const one = await of({ seed: 7 });
    expect(await of({ seed: 7 })).toEqual(one);
    expect(await of({ seed: 8 })).not.toEqual(one);
  });

  test('has the weights of the best epoch, and training ends when none is better for a while', async () => {
    // A learning rate that spoils what it learnt.
    const { report } = await trainOnTaps(taps, { ...small, epochs: 60, patience: 3, learningRate: 0.3 });
    expect(report.epochs.length).toBeLessThan(60);
    expect(report.epochs.length).toBe(report.bestEpoch + 3);
    const best = Math.max(...report.epochs.map(({ rPrecision }) => rPrecision as number));
    expect(report.rPrecision?.head).toBe(best);
  });

  test('is the last epoch’s where no type is held out', async () => {
    const { report } = await trainOnTaps(taps, { ...small, heldOutTypes: 0, epochs: 3 });
    expect(report).toMatchObject({ trainedTypes: 20, heldOutTypes: [], rPrecision: null, bestEpoch: 3 });
  });
});

test('progress counts steps and epochs, and tells the last R-Precision', async () => {
  const seen: TrainingProgress[] = [];
  const { report } = await trainOnTaps(taps, { ...small, epochs: 2, onProgress: (progress) => seen.push(progress) });
  expect(seen.map(({ epoch, step, steps, epochs }) => [epoch, step, steps, epochs])).toEqual(
    [1, 2].flatMap((epoch) => Array.from({ length: 8 }, (_, step) => [epoch, step + 1, 8, 2])),
  );
  expect(seen[0]?.rPrecision).toBeNull();
  expect(seen.at(-1)).toMatchObject({ rPrecision: report.epochs[0]?.rPrecision, loss: report.epochs[1]?.loss });
});

describe('a run that was interrupted', () => {
  /** Trains until a step of an epoch, as Ctrl-C would stop it. */
  async function interrupted(checkpoint: string, epoch: number): Promise<void> {
    const controller = new AbortController();
    const onProgress = (progress: TrainingProgress) => {
      if (progress.epoch === epoch && progress.step === 3) controller.abort();
    };
    const run = trainOnTaps(taps, { ...small, checkpoint, onProgress, signal: controller.signal });
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
  }

  test('goes on from its checkpoint to the same head', async () => {
    const straight = await trainOnTaps(taps, small);
    const checkpoint = join(folder, 'run.checkpoint');
    await interrupted(checkpoint, 3);
    await interrupted(checkpoint, 6);
    const seen: number[] = [];
    const resumed = await trainOnTaps(taps, { ...small, checkpoint, onProgress: ({ epoch }) => seen.push(epoch) });
    expect(seen[0]).toBe(6);
    expect(resumed.weights).toEqual(straight.weights);
    expect(resumed.report.epochs).toEqual(straight.report.epochs);
    // Done: the next run begins anew.
    await expect(stat(checkpoint)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('is not gone on from with other options, other data, or a damaged file', async () => {
    const checkpoint = join(folder, 'other.checkpoint');
    await interrupted(checkpoint, 2);
    const refused = (reason: RegExp, options: TrainingOptions = {}, data = taps) =>
      expect(trainOnTaps(data, { ...small, checkpoint, ...options })).rejects.toMatchObject({
        code: 'CHECKPOINT_REFUSED',
        message: expect.stringMatching(reason),
      });
    await refused(/other options or other data/, { learningRate: 1e-3 });
    await refused(/other options or other data/, {}, clusteredTaps({ seed: 2 }));
    const bytes = await readFile(checkpoint);
    bytes[bytes.length - 9] = (bytes.at(-9) as number) ^ 1;
    await writeFile(checkpoint, bytes);
    await refused(/checksum/);
    await writeFile(checkpoint, bytes.subarray(0, 300));
    await refused(/damaged/);
  });

  test('cannot write its checkpoint where there is no folder', async () => {
    const run = trainOnTaps(taps, { ...small, checkpoint: join(folder, 'none', 'x') });
    await expect(run).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
  });
});

describe('what cannot be trained on', () => {
  test.each([
    [{ epochs: 0 }, /epochs/],
    [{ batchSize: 1.5 }, /batchSize/],
    [{ hiddenDimensions: 0 }, /hiddenDimensions/],
    [{ learningRate: Number.NaN }, /learningRate/],
    [{ dropout: 1 }, /dropout/],
    [{ heldOutTypes: 1 }, /heldOutTypes/],
    [{ warmUp: 2 }, /warmUp/],
    [{ margin: 3 }, /margin/],
    [{ temperature: 0 }, /temperature/],
    [{ loss: 'cosine' as 'triplet' }, /'triplet' or 'info-nce'/],
    [{ negatives: { random: 0 } }, /negatives/],
    [{ negatives: { rand: 1 } as object }, /Unknown option "rand"/],
    [{ epoch: 1 } as object, /Unknown option "epoch"/],
  ])('%j', async (options: TrainingOptions, message) => {
    await expect(trainOnTaps(taps, options)).rejects.toMatchObject({ message: expect.stringMatching(message) });
  });

  test('one type, or types that every mention has', async () => {
    const refused = (data: typeof taps, options = {}) =>
      expect(trainOnTaps(data, options)).rejects.toMatchObject({ code: 'TRAINING_DATA_TOO_SMALL' });
    await refused(clusteredTaps({ types: 1 }));
    await refused(clusteredTaps({ types: 2 }), { heldOutTypes: 0.4 });
    await refused({ ...taps, mentions: taps.mentions.map((mention) => ({ ...mention, types: [0, 1] })) });
  });

  test('vectors that are no numbers', async () => {
    const data = taps.vectors.data.map((value, i) => (i % 7 === 0 ? Number.NaN : value));
    const broken = { ...taps, vectors: { ...taps.vectors, data } };
    await expect(trainOnTaps(broken, small)).rejects.toMatchObject({ code: 'TRAINING_DIVERGED' });
  });
});
