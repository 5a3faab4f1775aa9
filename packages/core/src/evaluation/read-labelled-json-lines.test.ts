import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLabelledJsonLines } from './read-labelled-json-lines.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ner-retriever-silver-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const etna = { start: 0, end: 4, types: ['volcano', 'stratovolcano'] };
const line = (id: string, text: string, ...mentions: unknown[]) => `${JSON.stringify({ id, text, mentions })}\n`;

test('several files are one corpus; types are searched for by their own names', async () => {
  const one = await file('one.jsonl', `${line('a', 'Etna smokes', etna)}\n${line('b', 'nothing here')}`);
  const two = await file(
    'two.jsonl',
    line('c', '🙂 Oslo fjord', { start: 3, end: 7, types: ['city', 'volcano'] }).trim(),
  );
  const corpus = await readLabelledJsonLines([one, two]);
  expect(corpus).toEqual({
    name: 'jsonl',
    types: ['city', 'stratovolcano', 'volcano'].map((name) => ({ type: name, query: name, other: false })),
    documents: [
      { id: 'a', text: 'Etna smokes', mentions: [etna] },
      { id: 'b', text: 'nothing here', mentions: [] },
      { id: 'c', text: '🙂 Oslo fjord', mentions: [{ start: 3, end: 7, types: ['city', 'volcano'] }] },
    ],
  });
});

test('a mention without a type is kept: it can be found in vain', async () => {
  const { documents, types } = await readLabelledJsonLines([
    await file('none.jsonl', line('a', 'Etna', { start: 0, end: 4, types: [] })),
  ]);
  expect(documents[0]?.mentions).toEqual([{ start: 0, end: 4, types: [] }]);
  expect(types).toEqual([]);
});

test.each([
  ['not JSON', '{"id": "b",\n', /expected a JSON object/],
  ['no id', '{"text": "b", "mentions": []}\n', /expected a string that is not empty in "id", but received nothing/],
  [
    'no mentions',
    '{"id": "b", "text": "b"}\n',
    /expected an array of \{start, end, types\} in "mentions", but received nothing/,
  ],
  [
    'no types',
    line('b', 'Oslo', { start: 0, end: 4 }),
    /expected an array of type names in "mentions\[0\]\.types", but received nothing/,
  ],
  ['a type alone', line('b', 'Oslo', { start: 0, end: 4, types: 'city' }), /but received "city"/],
  ['a blank type', line('b', 'Oslo', etna, { start: 0, end: 4, types: ['city', ' '] }), /"mentions\[1\]\.types"/],
  [
    'a span beyond the text',
    line('b', 'Oslo', { ...etna, end: 5 }),
    /expected a span of its text in "mentions\[0\]", but received 0 to 5 \(outside-text\)/,
  ],
  ['an empty span', line('b', 'Oslo', { ...etna, end: 0 }), /0 to 0 \(empty\)/],
  ['half a character', line('b', '🙂', { ...etna, end: 1 }), /splits-character/],
  [
    'an id twice',
    line('a', 'Oslo'),
    /expected an id of its own, but received "a", which stands at .*bad\.jsonl:1 already/,
  ],
  ['not UTF-8', Uint8Array.of(0x22, 0xff, 0x22, 0x0a), /expected UTF-8/],
])('a malformed line is named, and nothing is read: %s', async (_, content, message) => {
  const path = await file('bad.jsonl', Buffer.concat([Buffer.from(line('a', 'Etna', etna)), Buffer.from(content)]));
  await expect(readLabelledJsonLines([path])).rejects.toThrow(message);
  await expect(readLabelledJsonLines([path])).rejects.toThrow(`${path}:2: `);
});

test('an empty file is named', async () => {
  const path = await file('empty.jsonl', '\n\n');
  await expect(readLabelledJsonLines([path])).rejects.toThrow(`${path}: expected at least one document`);
});
