import { expect, test } from 'vitest';
import { labelTags } from './label-tags.js';

const partsOf = (...labels: string[]) => labelTags(labels).map(({ part, type }) => `${part} ${type}`.trim());

test.each([
  ['BIO', ['O', 'B-PER', 'I-PER'], ['outside', 'begin PER', 'inside PER']],
  ['BILOU', ['B-X', 'I-X', 'L-X', 'U-X', 'O'], ['begin X', 'inside X', 'last X', 'single X', 'outside']],
  ['BIOES', ['O', 'B_X', 'I_X', 'E_X', 'S_X'], ['outside', 'begin X', 'inside X', 'last X', 'single X']],
  ['letters alone', ['O', 'B', 'I', 'E', 'S'], ['outside', 'begin', 'inside', 'last', 'single']],
  ['IOB1 without a B', ['O', 'I-PER', 'I-LOC'], ['outside', 'inside PER', 'inside LOC']],
  ['bare types', ['O', 'PER', 'B2B'], ['outside', 'inside PER', 'inside B2B']],
  [
    'bare types that begin like parts',
    ['O', 'E-mail', 'S-Bahn', 'L'],
    ['outside', 'inside E-mail', 'inside S-Bahn', 'inside L'],
  ],
  [
    'a bare type among others',
    ['O', 'B-PER', 'I-PER', 'S-X', 'MISC'],
    ['outside', 'begin PER', 'inside PER', 'inside S-X', 'inside MISC'],
  ],
  ['types with hyphens', ['O', 'B-car-maker', 'I-car-maker'], ['outside', 'begin car-maker', 'inside car-maker']],
])('%s', (_, labels, tags) => {
  expect(partsOf(...labels)).toEqual(tags);
});
