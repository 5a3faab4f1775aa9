import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readNeretrieve } from './read-neretrieve.js';

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/neretrieve-invented-${name}`, import.meta.url));
const corpus = fixture('corpus.jsonl.bz2');
const labels = fixture('labels.jsonl.bz2');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ner-retriever-neretrieve-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, ...records: unknown[]): Promise<string> {
  const path = join(folder, name);
  const text = (record: unknown) => (typeof record === 'string' ? record : JSON.stringify(record));
  await writeFile(path, records.map((record) => `${text(record)}\n`).join(''));
  return path;
}

test.each([
  ['corpus and labels', () => [corpus, labels]],
  ['labels and corpus', () => [labels, corpus]],
])('reads the official files, compressed: %s', async (_, files) => {
  const { name, types, documents } = await readNeretrieve(files());
  expect(name).toBe('neretrieve');
  expect(types).toEqual([
    { type: 'City', query: 'City', other: false },
    { type: 'Country', query: 'Country', other: false },
    { type: 'Dinosaur', query: 'Dinosaur', other: false },
    { type: 'Sea_port', query: 'Sea port', other: false },
  ]);
  expect(documents.map(({ id }) => id)).toEqual(['aQ1xInventedXAZbWYcB', 'bQ2xInventedXAZbWYcB']);
  expect(
    documents.map(({ text, mentions }) => mentions.map(({ start, end, types }) => [text.slice(start, end), ...types])),
  ).toEqual([
    // Without the comma that is part of the word; the place of "emu" is not known.
    [
      ['Kestrelosaurus', 'Dinosaur'],
      ['Kestrelosaurus', 'Dinosaur'],
      ['Emu Rex', 'Dinosaur'],
    ],
    // Words counted as split(" ") does: two spaces make an empty one. Offsets are UTF-16.
    [
      ['Port Olvan', 'City', 'Sea_port'],
      ['Norvale', 'Country'],
    ],
  ]);
});

const paragraph = { id: 'a', content: 'Etna smokes , Etna sleeps' };
const label = (id: string, places: unknown, phrase = 'Etna') => ({
  id,
  tagged_entities: { Volcano: { Etna: { [phrase]: places } } },
});

test('several label files are one set of labels, plain files are read too', async () => {
  const one = await file('one.jsonl', label('a', [[0]]), '');
  const two = await file('two.jsonl', label('a', [[3], [0]]), label('b', [[0, 1]], 'another name'));
  const paragraphs = await file(
    'corpus.jsonl',
    paragraph,
    { id: 'b', content: 'Mount Etna.' },
    { id: 'c', content: 'x' },
  );
  const { documents } = await readNeretrieve([one, paragraphs, two]);
  expect(documents.map(({ id, mentions }) => [id, mentions.map(({ start, end }) => [start, end])])).toEqual([
    [
      'a',
      [
        [0, 4],
        [14, 18],
      ],
    ],
    // The phrase does not stand there: the words as they are.
    ['b', [[0, 11]]],
  ]);
});

test.each([
  ['not JSON', '{"id": "b",', /expected a JSON object/],
  ['no object', '[]', /expected a JSON object, but received \[\]/],
  ['no id', { tagged_entities: {} }, /expected a string that is not empty in "id", but received nothing/],
  ['no tagged_entities', { id: 'b' }, /expected an object in "tagged_entities", but received nothing/],
  [
    'a type without entities',
    { id: 'b', tagged_entities: { City: [] } },
    /expected an object in "City", but received \[\]/,
  ],
  [
    'places that are no lists',
    label('b', [0]),
    /expected lists of word numbers for "Etna" of Volcano, but received \[0\]/,
  ],
  ['a word that is no number', label('b', [['0']]), /expected lists of word numbers/],
  [
    'a word beyond the paragraph',
    label('a', [[4, 5]]),
    /expected word numbers below 5, the words of its paragraph, but received 5 for "Etna"/,
  ],
  [
    'a paragraph that is not there',
    label('b', [[0]]),
    /expected the id of a paragraph in the corpus, but received "b"/,
  ],
])('a malformed line of labels is named: %s', async (_, record, message) => {
  const path = await file('bad.jsonl', label('a', [[0]]), record);
  const files = [await file('corpus.jsonl', paragraph), path];
  await expect(readNeretrieve(files)).rejects.toThrow(message);
  await expect(readNeretrieve(files)).rejects.toThrow(`${path}:2: `);
});

test.each([
  ['no text', { id: 'a', text: 'x' }, /expected a string that is not empty in "content"/],
  ['an id twice', paragraph, /expected an id of its own, but received "a" again/],
])('a malformed line of the corpus is named: %s', async (_, record, message) => {
  const path = await file('bad-corpus.jsonl', paragraph, record);
  const files = [path, await file('labels.jsonl', label('a', [[0]]))];
  await expect(readNeretrieve(files)).rejects.toThrow(message);
  await expect(readNeretrieve(files)).rejects.toThrow(`${path}:2: `);
});

test('half of the data set is told apart from the whole', async () => {
  await expect(readNeretrieve([corpus])).rejects.toThrow(/expected a file of labels \(NERetrive_IR_test\.jsonl\)/);
  await expect(readNeretrieve([labels])).rejects.toThrow(/expected the corpus \(NERetrive_IR_corpus\.jsonl\)/);
});

test('a compressed file that breaks off is named, with the line it was read to', async () => {
  const path = join(folder, 'half.jsonl.bz2');
  await writeFile(path, (await readFile(labels)).subarray(0, 200));
  await expect(readNeretrieve([corpus, path])).rejects.toThrow(
    `${path}:1: the bzip2 data ends or breaks here (unexpected end of file)`,
  );
});
