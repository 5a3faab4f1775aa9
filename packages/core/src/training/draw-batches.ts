import type { TrainingBatch } from '@ner-retriever/native';
import type { HardNegatives } from './hard-negatives.js';
import { type LabelledTaps, mentionRow } from './labelled-taps.js';
import { seededRandom, shuffled } from './seeded-random.js';
import type { TrainingPlan } from './training-options.js';
import type { Example, TrainingSet } from './training-set.js';

/** The batches of one epoch: all examples in an order of its own. The seed and the epoch decide them, nothing that came before. */
export function* drawBatches(
  taps: LabelledTaps,
  set: TrainingSet,
  plan: TrainingPlan,
  hard: HardNegatives,
  epoch: number,
): Generator<TrainingBatch> {
  const random = seededRandom(plan.seed, epoch);
  const order = shuffled(set.examples, random);
  for (let first = 0; first < order.length; first += plan.batchSize) {
    yield batchOf(order.slice(first, first + plan.batchSize));
  }

  /** Rows: the examples' types, their mentions, then negatives that are not among those. */
  function batchOf(examples: readonly Example[]): TrainingBatch {
    const count = examples.length;
    const rows = [...examples.map(({ type }) => type), ...examples.map(({ mention }) => mentionRow(taps, mention))];
    const negatives: number[] = [];
    const { random: any, inBatch, hard: like } = plan.negatives;
    // InfoNCE takes every positive of the batch at once, by its contrast.
    const drawn = plan.loss === 'triplet' ? inBatch : 0;
    if (any + drawn + like > 0) {
      for (const example of examples) {
        const at = random() * (any + drawn + like);
        const place = at < drawn ? placeInBatch(example, examples) : null;
        negatives.push(place ?? rows.length);
        if (place === null)
          rows.push(mentionRow(taps, at < drawn + like && at >= drawn ? likeIt(example) : anyOther(example)));
      }
    }
    return {
      table: taps.vectors.data,
      rows: Int32Array.from(rows),
      anchors: Int32Array.from(examples, (_, i) => i),
      positives: Int32Array.from(examples, (_, i) => count + i),
      negatives: Int32Array.from(negatives),
      ...(plan.loss === 'info-nce' && inBatch > 0 && { contrast: contrastOf(examples) }),
    };
  }

  function isOf(mention: number, type: number): boolean {
    return taps.mentions[mention]?.types.includes(type) === true;
  }

  function anyOther({ type }: Example): number {
    const start = Math.floor(random() * set.mentions.length);
    // A few draws nearly always do. Where a type has nearly all mentions, the next one that is not of it is taken.
    for (let draw = 0, place = start; draw < 16; draw++, place = Math.floor(random() * set.mentions.length)) {
      if (!isOf(set.mentions[place] as number, type)) return set.mentions[place] as number;
    }
    for (let step = 0; ; step++) {
      const mention = set.mentions[(start + step) % set.mentions.length] as number;
      if (!isOf(mention, type)) return mention;
    }
  }

  function likeIt(example: Example): number {
    const near = hard.near(taps.mentions[example.mention]?.document as number);
    const others = near.filter((mention) => !isOf(mention, example.type));
    return others[Math.floor(random() * others.length)] ?? anyOther(example);
  }

  /** The place among the batch's rows of another example's positive, if one is not of this type. */
  function placeInBatch({ type }: Example, examples: readonly Example[]): number | null {
    const others = examples.flatMap(({ mention }, i) => (isOf(mention, type) ? [] : [examples.length + i]));
    return others[Math.floor(random() * others.length)] ?? null;
  }

  function contrastOf(examples: readonly Example[]): Uint8Array {
    const count = examples.length;
    const contrast = new Uint8Array(count * count);
    for (const [row, { type }] of examples.entries()) {
      for (const [column, { mention }] of examples.entries())
        contrast[row * count + column] = isOf(mention, type) ? 0 : 1;
    }
    return contrast;
  }
}
