import { NerRetrieverError } from '../errors.js';
import type { LabelledTaps } from './labelled-taps.js';
import { seededRandom, shuffled } from './seeded-random.js';
import type { TrainingPlan } from './training-options.js';

/** A type's name and one of its mentions: what an epoch goes through. */
export interface Example {
  readonly type: number;
  readonly mention: number;
}

/** Which types and mentions train, and which only measure. Numbers are places in the taps' types and mentions. */
export interface TrainingSet {
  readonly trainedTypes: readonly number[];
  readonly heldOutTypes: readonly number[];
  readonly examples: readonly Example[];
  /** The examples' mentions, each once: negatives are drawn from them. */
  readonly mentions: readonly number[];
}

/**
 * Parts the types by the seed, and draws the mentions of each. A mention of a held-out type trains nothing, whatever other types it
 * has; types named "other" describe nothing, so they are neither asked for nor held out, but their mentions are negatives.
 *
 * @throws NerRetrieverError TRAINING_DATA_TOO_SMALL.
 */
export function trainingSet(taps: LabelledTaps, plan: TrainingPlan): TrainingSet {
  const mentionsOf = taps.types.map((): number[] => []);
  for (const [mention, { types }] of taps.mentions.entries()) for (const type of types) mentionsOf[type]?.push(mention);

  const named = taps.types.flatMap(({ other }, type) => (other || mentionsOf[type]?.length === 0 ? [] : [type]));
  const random = seededRandom(plan.seed, 0);
  const order = shuffled(named, random);
  const heldOutCount = plan.heldOutTypes === 0 ? 0 : Math.max(1, Math.round(plan.heldOutTypes * named.length));
  const heldOutTypes = order.slice(0, heldOutCount).sort((a, b) => a - b);
  const heldOut = new Set(heldOutTypes);

  const examples: Example[] = [];
  const mentions = new Set<number>();
  const trainedTypes: number[] = [];
  for (const type of taps.types.keys()) {
    if (heldOut.has(type)) continue;
    const usable = (mentionsOf[type] as number[]).filter(
      (mention) => !taps.mentions[mention]?.types.some((each) => heldOut.has(each)),
    );
    const drawn = shuffled(usable, random).slice(0, plan.mentionsPerType);
    for (const mention of drawn) mentions.add(mention);
    if (taps.types[type]?.other || drawn.length === 0) continue;
    trainedTypes.push(type);
    for (const mention of drawn) examples.push({ type, mention });
  }

  // Every type needs a mention that is not of it: without one there is nothing to tell it from.
  const alone = trainedTypes.some((type) =>
    [...mentions].every((mention) => taps.mentions[mention]?.types.includes(type)),
  );
  if (trainedTypes.length < 2 || alone) {
    throw new NerRetrieverError('TRAINING_DATA_TOO_SMALL', {
      types: named.length,
      mentions: taps.mentions.length,
      heldOut: heldOutTypes.length,
    });
  }
  return { trainedTypes, heldOutTypes, examples, mentions: [...mentions] };
}
