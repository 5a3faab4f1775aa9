import { expect, test } from 'vitest';
import { SectionDetector } from './section-detector.js';
import { detectedSections } from './sections.js';
import { Windows } from './windows.js';

/** A text of one-letter words, most of them two pieces ("ab"), and what each piece's logits are. */
function makeText(words: number) {
  const text = 'ab '.repeat(words);
  const tokens = 2 * words;
  return {
    text,
    tokens,
    table: {
      textBegins: Int32Array.of(0, tokens),
      ids: new Int32Array(tokens),
      starts: Int32Array.from({ length: tokens }, (_, i) => 3 * (i >> 1) + (i & 1)),
      ends: Int32Array.from({ length: tokens }, (_, i) => 3 * (i >> 1) + (i & 1) + 1),
      wordBegins: Uint8Array.from({ length: tokens }, (_, i) => 1 - (i & 1)),
    },
  };
}

function detect(words: number, labels: string, sectionWindows: number) {
  const { text, tokens, table } = makeText(words);
  // The second piece of a word says the contrary: it must not matter.
  const logits = Float32Array.from({ length: 3 * tokens }, (_, i) => {
    const label = 'OBI'.indexOf(labels.charAt(Math.floor(i / 6)));
    return (i % 3 === label) === (Math.floor(i / 3) % 2 === 0) ? 9 : -9;
  });
  const windows = new Windows(tokens, 14);
  const detector = new SectionDetector(text, table, 0, 0.5);
  return detectedSections(0, windows, sectionWindows).flatMap((section) => {
    const encoded = section.indices.map((index) => {
      const range = windows.window(index);
      const detectorRows = logits.slice(3 * range.begin, 3 * range.end);
      return { range, row: 0, output: { tap: new Float32Array(0), detector: detectorRows } };
    });
    return detector.read(section, encoded).map(({ start, end }) => [start / 3, Math.ceil(end / 3)]);
  });
}

test('mentions are the same however the text is cut into sections', () => {
  let state = 7;
  const labels = Array.from({ length: 400 }, () => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return 'OOOBII'.charAt((state >> 16) % 6);
  }).join('');
  const whole = detect(400, labels, 1000);
  expect(whole.length).toBeGreaterThan(50);
  for (const sectionWindows of [4, 5, 9, 30]) expect(detect(400, labels, sectionWindows)).toEqual(whole);

  const expected: number[][] = [];
  for (const [word, label] of [...labels].entries()) {
    if (label === 'B' || (label === 'I' && (labels[word - 1] ?? 'O') === 'O')) expected.push([word, word + 1]);
    else if (label === 'I') (expected.at(-1) as number[])[1] = word + 1;
  }
  expect(whole).toEqual(expected);
});

test('a mention without an end is cut, and nothing of the text is lost', () => {
  const spans = detect(400, `B${'I'.repeat(399)}`, 4);
  expect(spans[0]?.[0]).toBe(0);
  expect(spans.at(-1)?.[1]).toBe(400);
  for (const [i, [start]] of spans.entries()) if (i > 0) expect(start).toBe(spans[i - 1]?.[1]);
});
