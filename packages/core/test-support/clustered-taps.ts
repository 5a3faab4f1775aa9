import { randomNumbers } from '../src/evaluation/random-numbers.js';
import type { LabelledTaps } from '../src/training/labelled-taps.js';

/**
 * Vectors with something to learn: each type is a hidden direction that its name and its mentions show in different ways, under noise.
 * What is learnt of some types holds for the others. Each document has one mention; documents of a type share a rare word.
 */
export function clusteredTaps({
  types = 20,
  mentionsPerType = 30,
  columns = 24,
  noise = 1,
  seed = 1,
} = {}): LabelledTaps {
  const random = randomNumbers(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const hidden = 6;
  const map = () => Array.from({ length: columns }, () => Array.from({ length: hidden }, normal));
  const [ofNames, ofMentions] = [map(), map()];
  const directions = Array.from({ length: types }, () => Array.from({ length: hidden }, normal));
  const shown = (by: number[][], direction: number[], size: number) =>
    by.map((row) => row.reduce((sum, value, i) => sum + value * (direction[i] as number), 0) + size * normal());

  const mentions = Array.from({ length: types * mentionsPerType }, (_, i) => ({ document: i, types: [i % types] }));
  const rows = [
    ...directions.map((direction) => shown(ofNames, direction, 0)),
    ...mentions.map(({ types: [type] }) => shown(ofMentions, directions[type as number] as number[], noise)),
  ];
  return {
    types: directions.map((_, type) => ({ type: `t${type}`, query: `type ${type}`, other: false })),
    mentions,
    documents: mentions.map(
      ({ types: [type] }, i) => `the rareword${Math.floor((type as number) / 2)} of sentence ${i}`,
    ),
    vectors: { rows: rows.length, columns, data: Float32Array.from(rows.flat()) },
  };
}
