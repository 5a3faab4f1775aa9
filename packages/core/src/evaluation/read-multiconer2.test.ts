import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { multiconer2Types } from './multiconer2-types.js';
import { readMulticoner2 } from './read-multiconer2.js';

const excerpt = fileURLToPath(new URL('./fixtures/multiconer2-en-excerpt.conll', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ner-retriever-conll-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

test('reads the official format: sentences, spans, types', async () => {
  const corpus = await readMulticoner2([excerpt]);
  expect(corpus.documents).toHaveLength(39);
  const [first] = corpus.documents;
  expect(first?.text).toBe('eli lilly founder president of pharmaceutical company eli lilly and company');
  expect(first?.mentions.map(({ start, end, types }) => [first.text.slice(start, end), ...types])).toEqual([
    ['eli lilly', 'OtherPER'],
    ['eli lilly and company', 'PublicCorp'],
  ]);
  const found = new Set(corpus.documents.flatMap((document) => document.mentions.flatMap(({ types }) => types)));
  expect([...found].sort()).toEqual(multiconer2Types.map(({ type }) => type).sort());
});

test('every type has a readable name, and three are "other"', () => {
  expect(multiconer2Types).toHaveLength(33);
  expect(new Set(multiconer2Types.map(({ query }) => query)).size).toBe(33);
  expect(multiconer2Types.filter(({ other }) => other).map(({ type }) => type)).toEqual([
    'OtherLOC',
    'OtherPER',
    'OtherPROD',
  ]);
});

test('offsets are UTF-16, neighbouring mentions of one type stay two, Windows line ends are read', async () => {
  const path = await file(
    'unicode.conll',
    '# id one\tdomain=en\r\n🙂🙂 _ _ O\r\nZoe\u0301 _ _ B-Artist\r\nAda _ _ B-Artist\r\nB. _ _ I-Artist',
  );
  const { documents } = await readMulticoner2([path]);
  expect(documents).toEqual([
    {
      id: 'one',
      text: '🙂🙂 Zoe\u0301 Ada B.',
      mentions: [
        { start: 5, end: 9, types: ['Artist'] },
        { start: 10, end: 16, types: ['Artist'] },
      ],
    },
  ]);
});

test('several files are one corpus with unique ids', async () => {
  const one = await file('one.conll', '# id same\na _ _ O\n\n# id same\nb _ _ O\n');
  const two = await file('two.conll', '# id same\nc _ _ O\n\n# id new\nd _ _ O\n');
  const { documents } = await readMulticoner2([one, two]);
  expect(documents.map(({ id, text }) => `${id} ${text}`)).toEqual(['same a', 'same#2 b', 'same#3 c', 'new d']);
});

test.each([
  ['no id', 'a _ _ O\n', /bad\.conll:1: expected a line "# id …" before the first token/],
  ['too few fields', '# id x\n\na O\n', /bad\.conll:3: expected a token line "token _ _ tag", but received "a O"/],
  ['unknown type', '# id x\na _ _ B-Spaceship\n', /bad\.conll:2: expected the tag O, .*Facility/],
  [
    'I without B',
    '# id x\na _ _ O\nb _ _ I-Food\n',
    /bad\.conll:3: expected B-Food or I-Food on the token before an I-Food/,
  ],
  ['I of another type', '# id x\na _ _ B-Drink\nb _ _ I-Food\n', /bad\.conll:3/],
  ['not UTF-8', new Uint8Array([35, 32, 105, 100, 32, 255, 10]), /bad\.conll:1: expected UTF-8/],
])('a malformed line is named: %s', async (_, content, message) => {
  const path = await file('bad.conll', content);
  await expect(readMulticoner2([path])).rejects.toThrow(message);
});

test('a missing file is named', async () => {
  await expect(readMulticoner2([join(folder, 'absent.conll')])).rejects.toThrow(/Cannot read ".*absent\.conll"/);
});

test('an empty file is named', async () => {
  const path = await file('empty.conll', '\n\n');
  await expect(readMulticoner2([path])).rejects.toThrow(`${path}: expected at least one document`);
});
