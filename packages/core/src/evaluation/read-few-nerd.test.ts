import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fewNerdTypes } from './few-nerd-types.js';
import { readFewNerd } from './read-few-nerd.js';

const invented = fileURLToPath(new URL('./fixtures/few-nerd-invented.txt', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ner-retriever-few-nerd-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

test('reads the official format: a run of one type is a mention', async () => {
  const { name, documents } = await readFewNerd([invented]);
  expect(name).toBe('fewnerd');
  expect(documents.map(({ id }) => id)).toEqual([1, 12, 25, 34].map((line) => `few-nerd-invented.txt:${line}`));
  expect(
    documents.map(({ text, mentions }) => mentions.map(({ start, end, types }) => [text.slice(start, end), ...types])),
  ).toEqual([
    [
      ['Clara Whitmore', 'person-actor'],
      ['The Paper Kite', 'art-film'],
    ],
    [
      ['Tarn Lake', 'location-bodiesofwater'],
      ['Ada II', 'product-ship'],
    ],
    [
      ['Norvale', 'location-GPE'],
      ['Orrin Feld', 'person-other'],
      ['Feld Office', 'organization-government/governmentagency'],
    ],
    [],
  ]);
});

test('66 types with names of their own, of which seven are "other"', () => {
  expect(fewNerdTypes).toHaveLength(66);
  expect(new Set(fewNerdTypes.map(({ type }) => type)).size).toBe(66);
  expect(new Set(fewNerdTypes.map(({ query }) => query)).size).toBe(66);
  expect(fewNerdTypes.filter(({ other }) => other).map(({ type }) => type)).toEqual(
    ['art', 'building', 'event', 'location', 'organization', 'person', 'product'].map((coarse) => `${coarse}-other`),
  );
  expect(fewNerdTypes.find(({ type }) => type === 'other-law')).toEqual({
    type: 'other-law',
    query: 'Law',
    other: false,
  });
});

test('several files are one corpus; tokens of white space are passed over; the last sentence needs no end', async () => {
  const one = await file('train.txt', 'a\tO\n \tperson-actor\n\tO\nb\tart-film\n\nc\tO');
  const { documents } = await readFewNerd([one, one]);
  expect(documents.map(({ id, text, mentions }) => [id, text, mentions.length])).toEqual([
    ['train.txt:1', 'a b', 1],
    ['train.txt:6', 'c', 0],
    ['train.txt:1#2', 'a b', 1],
    ['train.txt:6#2', 'c', 0],
  ]);
});

test.each([
  ['spaces for a tabulator', 'a\tO\nb O\n', /bad\.txt:2: expected a token line "token\\ttype", but received "b O"/],
  [
    'an unknown type',
    'a\tO\n\nb\tperson-pilot\n',
    /bad\.txt:3: expected the tag O and one of: art-broadcastprogram, .*person-actor/,
  ],
  ['B and I, which it has not', 'a\tB-person-actor\n', /bad\.txt:1: expected the tag O and one of/],
  ['no tag', 'a\t\n', /bad\.txt:1: expected a token line/],
])('a malformed line is named: %s', async (_, content, message) => {
  await expect(readFewNerd([await file('bad.txt', content)])).rejects.toThrow(message);
});

test('an empty file is named', async () => {
  const path = await file('empty.txt', '\n');
  await expect(readFewNerd([path])).rejects.toThrow(`${path}: expected at least one document`);
});
