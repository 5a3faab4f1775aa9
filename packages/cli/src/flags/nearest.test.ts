import { expect, test } from 'vitest';
import { nearest } from './nearest.js';

const verbs = ['index', 'search', 'detect', 'embed', 'eval', 'serve', 'index-info', 'doctor'];

test.each([
  ['serach', 'search'],
  ['indx', 'index'],
  ['indexinfo', 'index-info'],
  ['docter', 'doctor'],
  ['evaluate', null],
  ['sear', 'search'],
  ['xyz', null],
  ['', null],
])('%s -> %s', (word, meant) => {
  expect(nearest(word, verbs)).toBe(meant);
});
