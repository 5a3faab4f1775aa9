import { expect, test } from 'vitest';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { spansOfFirstMarks, spansOfLastMarks, spansOfWidths } from './gliner-spans.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

test('span-level: every span of enough score, none beyond its text', () => {
  const [texts, words, width, classes] = [2, 4, 3, 2];
  const data = Float32Array.from({ length: texts * words * width * classes }, (_, i) => (i % 7) - 3);
  const found = [...spansOfWidths({ data, texts, words, width, classes }, 1, 3, 0.6)];
  const expected = [];
  for (let first = 0; first < 3; first++) {
    for (let more = 0; more < width && first + more < 3; more++) {
      for (let type = 0; type < classes; type++) {
        const score = sigmoid(data[((words + first) * width + more) * classes + type] as number);
        if (score >= 0.6) expected.push({ first, last: first + more, score: expect.closeTo(score, 6) });
      }
    }
  }
  expect(expected.length).toBeGreaterThan(2);
  expect(found).toEqual(expected);
});

test('token-level, in both layouts: every pair of a start and an end with all words inside, by its least score', () => {
  const [texts, words, classes, threshold] = [2, 6, 2, 0.4];
  const random = randomNumbers(5);
  const scores = new Map<string, number>();
  const last = new Float32Array(texts * words * classes * 3);
  const first = new Float32Array(last.length);
  for (let text = 0; text < texts; text++)
    for (let word = 0; word < words; word++)
      for (let type = 0; type < classes; type++)
        for (let mark = 0; mark < 3; mark++) {
          const logit = 4 * random() - 1.5;
          scores.set(`${text} ${word} ${type} ${mark}`, sigmoid(logit));
          last[((text * words + word) * classes + type) * 3 + mark] = logit;
          first[((mark * texts + text) * words + word) * classes + type] = logit;
        }
  const of = (text: number, word: number, type: number, mark: number) =>
    scores.get(`${text} ${word} ${type} ${mark}`) as number;
  for (const [text, own] of [
    [0, 6],
    [1, 4],
  ] as const) {
    const expected = [];
    for (let start = 0; start < own; start++)
      for (let type = 0; type < classes; type++)
        for (let end = start; end < own; end++) {
          const inside = Array.from({ length: end - start + 1 }, (_, i) => of(text, start + i, type, 2));
          const score = Math.min(of(text, start, type, 0), of(text, end, type, 1), ...inside);
          if (score >= threshold) expected.push({ first: start, last: end, score: expect.closeTo(score, 6) });
        }
    expect(expected.length).toBeGreaterThan(2);
    const logits = { texts, words, width: 12, classes };
    expect([...spansOfLastMarks({ ...logits, data: last }, text, own, threshold)]).toEqual(expected);
    expect([...spansOfFirstMarks({ ...logits, data: first }, text, own, threshold)]).toEqual(expected);
  }
});
