import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWnut17 } from './read-wnut17.js';
import { wnut17Types } from './wnut17-types.js';

const excerpt = fileURLToPath(new URL('./fixtures/wnut17-test-excerpt.conll', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ner-retriever-wnut17-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

test('reads the official format: sentences between blank lines, spans, types', async () => {
  const { documents } = await readWnut17([excerpt]);
  expect(documents).toHaveLength(18);
  const [first] = documents;
  expect(first?.id).toBe('wnut17-test-excerpt.conll:1');
  expect(first?.text).toBe('Visuals of the avalanche site in Gurez sector .');
  expect(first?.mentions.map(({ start, end, types }) => [first.text.slice(start, end), ...types])).toEqual([
    ['Gurez sector', 'location'],
  ]);
  const found = new Set(documents.flatMap((document) => document.mentions.flatMap(({ types }) => types)));
  expect([...found].sort()).toEqual(wnut17Types.map(({ type }) => type).sort());
  expect(documents.filter(({ mentions }) => mentions.length === 0)).toHaveLength(3);
});

test('"# id" is a token here, a line with nothing but a tab parts sentences, the last one needs no end', async () => {
  const one = await file('one.conll', '#\tO\nid\tB-product\n\t\n\nb\tB-person\nc\tI-person');
  const { documents } = await readWnut17([one, one]);
  expect(documents.map(({ id, text, mentions }) => ({ id, text, mentions }))).toEqual([
    { id: 'one.conll:1', text: '# id', mentions: [{ start: 2, end: 4, types: ['product'] }] },
    { id: 'one.conll:5', text: 'b c', mentions: [{ start: 0, end: 3, types: ['person'] }] },
    { id: 'one.conll:1#2', text: '# id', mentions: [{ start: 2, end: 4, types: ['product'] }] },
    { id: 'one.conll:5#2', text: 'b c', mentions: [{ start: 0, end: 3, types: ['person'] }] },
  ]);
});

test.each([
  ['spaces for a tab', 'a\tO\nb O\n', /bad\.conll:2: expected a token line "token\\ttag", but received "b O"/],
  ['unknown type', 'a\tB-Artist\n', /bad\.conll:1: expected the tag O, .*creative-work/],
  ['I after the end of a sentence', 'a\tB-person\n\nb\tI-person\n', /bad\.conll:3: expected B-person or I-person/],
])('a malformed line is named: %s', async (_, content, message) => {
  await expect(readWnut17([await file('bad.conll', content)])).rejects.toThrow(message);
});

test('an empty file is named', async () => {
  const path = await file('empty.conll', '\n\n');
  await expect(readWnut17([path])).rejects.toThrow(`${path}: expected at least one document`);
});
