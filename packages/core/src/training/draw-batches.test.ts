import { describe, expect, test } from 'vitest';
import { clusteredTaps } from '../../test-support/clustered-taps.js';
import { drawBatches } from './draw-batches.js';
import { HardNegatives } from './hard-negatives.js';
import type { LabelledTaps } from './labelled-taps.js';
import { learningRate } from './learning-rate.js';
import { type TrainingOptions, trainingPlan } from './training-options.js';
import { trainingSet } from './training-set.js';

const clustered = clusteredTaps();
/** As silver labels are: every third mention of an even type is of the next type too, the last type is an "other" one. */
const taps: LabelledTaps = {
  ...clustered,
  types: clustered.types.map((type, place) => ({ ...type, other: place === 19 })),
  mentions: clustered.mentions.map(({ document, types: [type = 0] }) => ({
    document,
    types: type % 2 === 0 && document % 3 === 0 ? [type, type + 1] : [type],
  })),
};

function drawn(options: TrainingOptions, epoch = 1) {
  const plan = trainingPlan(options);
  const set = trainingSet(taps, plan);
  const hard = new HardNegatives(taps, set.mentions);
  const batches = [...drawBatches(taps, set, plan, hard, epoch)];
  hard.close();
  const mention = (row: number) => {
    expect(row).toBeGreaterThanOrEqual(taps.types.length);
    return taps.mentions[row - taps.types.length] as LabelledTaps['mentions'][number];
  };
  const examples = batches.flatMap((batch) => {
    const row = (place: number | undefined) => batch.rows[place as number] as number;
    return [...batch.anchors].map((anchor, i) => ({
      type: row(anchor),
      positive: mention(row(batch.positives[i])),
      negative: batch.negatives.length === 0 ? null : mention(row(batch.negatives[i])),
      inBatch: (batch.negatives[i] as number) < 2 * batch.anchors.length,
    }));
  });
  return { set, batches, examples };
}

describe('the training set', () => {
  const { set } = drawn({ heldOutTypes: 0.2, mentionsPerType: 12 });

  test('leaves out every mention that has a held-out type', () => {
    expect(set.heldOutTypes).toHaveLength(4);
    for (const mention of set.mentions) {
      expect(taps.mentions[mention]?.types.some((type) => set.heldOutTypes.includes(type))).toBe(false);
    }
  });

  test('asks for no type named "other", whose mentions stay as negatives', () => {
    expect([...set.trainedTypes, ...set.heldOutTypes]).not.toContain(19);
    expect(set.mentions.some((mention) => taps.mentions[mention]?.types.includes(19))).toBe(true);
  });

  test('has at most so many mentions of a type', () => {
    for (const type of set.trainedTypes) expect(set.examples.filter((each) => each.type === type)).toHaveLength(12);
  });
});

describe('the batches of an epoch', () => {
  test('go through every example once, in an order that the epoch decides', () => {
    const options = { heldOutTypes: 0, batchSize: 50 };
    const { examples, set, batches } = drawn(options);
    expect(
      batches
        .map(({ anchors }) => anchors.length)
        .slice(0, -1)
        .every((count) => count === 50),
    ).toBe(true);
    const name = (type: number, document: number) => `${type} ${document}`;
    const expected = set.examples.map(({ type, mention }) => name(type, taps.mentions[mention]?.document as number));
    const found = examples.map(({ type, positive }) => name(type, positive.document));
    expect([...found].sort()).toEqual([...expected].sort());
    expect(drawn(options).batches).toEqual(batches);
    expect(drawn(options, 2).batches).not.toEqual(batches);
  });

  test.each([{ random: 1 }, { hard: 1 }, { inBatch: 1 }, { random: 0.5, inBatch: 0.25, hard: 0.25 }])(
    'never have a negative of the type (%j)',
    (negatives) => {
      for (const { type, positive, negative } of drawn({ negatives }).examples) {
        expect(positive.types).toContain(type);
        expect(negative?.types).not.toContain(type);
      }
    },
  );

  test('take negatives from where they should', () => {
    const share = (negatives: object, holds: (example: ReturnType<typeof drawn>['examples'][number]) => boolean) => {
      const { examples } = drawn({ negatives, heldOutTypes: 0 });
      return examples.filter(holds).length / examples.length;
    };
    expect(share({ random: 0.75, inBatch: 0.25 }, ({ inBatch }) => inBatch)).toBeCloseTo(0.25, 1);
    // Documents of types 0 and 1 share a word, those of 2 and 3 another: what is alike is of the pair.
    const ofPair = ({ type, negative }: { type: number; negative: { types: readonly number[] } | null }) =>
      negative?.types.some((each) => Math.floor(each / 2) === Math.floor(type / 2)) === true;
    expect(share({ hard: 1 }, ofPair)).toBeGreaterThan(0.6);
    expect(share({ random: 1 }, ofPair)).toBeLessThan(0.1);
  });

  test('contrast the examples of a batch for InfoNCE, but for those of the same type', () => {
    const { batches } = drawn({ loss: 'info-nce', batchSize: 40 });
    for (const { rows, anchors, positives, negatives, contrast } of batches) {
      const count = anchors.length;
      expect(negatives).toHaveLength(0);
      expect(rows).toHaveLength(2 * count);
      for (let row = 0; row < count; row++) {
        for (let column = 0; column < count; column++) {
          const { types } = taps.mentions[
            (rows[positives[column] as number] as number) - 20
          ] as LabelledTaps['mentions'][number];
          expect(contrast?.[row * count + column]).toBe(types.includes(rows[row] as number) ? 0 : 1);
        }
      }
    }
  });
});

test('the learning rate rises in a line and falls along a cosine', () => {
  const rates = Array.from({ length: 100 }, (_, step) => learningRate(step, 100, 2, 0.1));
  expect(rates[0]).toBeCloseTo(0.2);
  expect(rates[9]).toBeCloseTo(2);
  expect(rates[10]).toBe(2);
  expect(rates[55]).toBeCloseTo(1, 1);
  expect(rates[99]).toBeLessThan(0.01);
  expect(learningRate(0, 10, 1, 0)).toBe(1);
});
