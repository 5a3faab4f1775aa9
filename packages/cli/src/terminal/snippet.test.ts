import { expect, test } from 'vitest';
import { snippet } from './snippet.js';

const around = (text: string, mention: string, width: number): string => {
  const start = text.indexOf(mention);
  const { before, mention: shown, after } = snippet(text, { start, end: start + mention.length }, width);
  return `${before}[[${shown}]]${after}`;
};

test('a short text is shown whole', () => {
  expect(around('A small Microraptor flew.', 'Microraptor', 80)).toBe('A small [[Microraptor]] flew.');
});

test('a long text is cut between words, on both sides', () => {
  const text = `${'before '.repeat(50)}Microraptor${' after'.repeat(50)}`;
  const shown = around(text, 'Microraptor', 60);
  expect(shown).toMatch(/^…(before )+\[\[Microraptor\]\]( after)+…$/);
  expect(shown.length).toBeLessThanOrEqual(60 + 6);
});

test('what one side does not need, the other has', () => {
  const text = `Microraptor ${'after '.repeat(50)}`;
  expect(around(text, 'Microraptor', 60).length).toBeGreaterThan(50);
});

test('no half characters where there are no spaces', () => {
  const text = `${'🙂'.repeat(100)}X${'🙂'.repeat(100)}`;
  for (const width of [20, 21, 22, 23]) expect(around(text, 'X', width)).not.toContain('\ufffd');
});

test('a very long mention is shortened, control characters go', () => {
  expect(around(`x ${'y'.repeat(500)} z`, 'y'.repeat(500), 50)).toMatch(/\[\[y{49}…\]\]/);
  expect(around('a \u001b[31m b\nc', 'b\nc', 50)).toBe('a ␛[31m [[b c]]');
});
