import { expect, test } from 'vitest';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { DocumentSample } from './document-sample.js';

const document = (id: number, characters = 10) => ({ id: String(id), text: 'x'.repeat(characters) });

test('few documents are all there', () => {
  const sample = new DocumentSample({ documents: 5, characters: 1000 }, Math.random);
  for (let id = 0; id < 5; id++) sample.offer(document(id));
  expect(sample.documents.map(({ id }) => id)).toEqual(['0', '1', '2', '3', '4']);
  expect(sample.characters).toBe(50);
});

test.each([
  ['by number', { documents: 10, characters: 10_000 }],
  ['by length', { documents: 1000, characters: 100 }],
])('each of many has the same chance (%s)', (_, limits) => {
  const random = randomNumbers(7);
  const times = new Map<string, number>();
  let kept = 0;
  for (let round = 0; round < 4000; round++) {
    const sample = new DocumentSample(limits, random);
    for (let id = 0; id < 40; id++) sample.offer(document(id));
    expect(sample.documents).toHaveLength(10);
    for (const { id } of sample.documents) times.set(id, (times.get(id) ?? 0) + 1);
    kept += 10;
  }
  // 1000 each on average, with a standard deviation of 27.
  for (let id = 0; id < 40; id++) expect(Math.abs((times.get(String(id)) ?? 0) - kept / 40)).toBeLessThan(140);
});

test('one long document stays, and takes the room of all others', () => {
  const sample = new DocumentSample({ documents: 10, characters: 100 }, randomNumbers(1));
  sample.offer(document(0, 5000));
  expect(sample.documents).toHaveLength(1);
  for (let id = 1; id < 1000; id++) sample.offer(document(id));
  expect(sample.documents).toHaveLength(1);
  expect(sample.characters).toBe(sample.documents[0]?.text.length);
});
