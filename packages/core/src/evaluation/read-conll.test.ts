import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConll } from './read-conll.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ner-retriever-conll-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** "Ada Lovelace met Bo , Cy Dee Eff" in each scheme: two mentions touch, one is a single token. */
const tokens = ['Ada', 'Lovelace', 'met', 'Bo', 'Cy', 'Dee', 'Eff'];
const schemes = {
  BIO: ['B-PER', 'I-PER', 'O', 'B-PER', 'B-PER', 'I-PER', 'I-PER'],
  IOB1: ['I-PER', 'I-PER', 'O', 'I-PER', 'B-PER', 'I-PER', 'I-PER'],
  BILOU: ['B-PER', 'L-PER', 'O', 'U-PER', 'B-PER', 'I-PER', 'L-PER'],
  IOBES: ['B-PER', 'E-PER', 'O', 'S-PER', 'B-PER', 'I-PER', 'E-PER'],
};

test.each(Object.entries(schemes))('reads %s', async (_, tags) => {
  const path = await file('any.conll', tokens.map((token, place) => `${token} NNP x ${tags[place]}\n`).join(''));
  const { documents, types } = await readConll([path]);
  expect(types).toEqual([{ type: 'PER', query: 'person', other: false }]);
  const [document] = documents;
  expect(document?.text).toBe('Ada Lovelace met Bo Cy Dee Eff');
  expect(document?.mentions.map(({ start, end }) => document.text.slice(start, end))).toEqual([
    'Ada Lovelace',
    'Bo',
    'Cy Dee Eff',
  ]);
});

test('a mention of another type ends the one before it, whatever the scheme', async () => {
  const { documents } = await readConll([await file('types.conll', 'a\tI-PER\nb\tI-LOC\nc\tS-ORG\nd\tI-ORG\n')]);
  expect(documents[0]?.mentions).toEqual([
    { start: 0, end: 1, types: ['PER'] },
    { start: 2, end: 3, types: ['LOC'] },
    { start: 4, end: 5, types: ['ORG'] },
    { start: 6, end: 7, types: ['ORG'] },
  ]);
});

test('CoNLL-2003 as it is: document marks, columns, spaces; comments have no tag, a number sign with one is a token', async () => {
  const content =
    '-DOCSTART- -X- -X- O\n\nU.N. NNP I-NP I-ORG \nofficial NN I-NP O\n\n# id 7 source = "news"\n# O\nOslo\tI-LOC\n';
  const { documents, types } = await readConll([await file('eng.testa', content)]);
  expect(documents).toEqual([
    { id: 'eng.testa:3', text: 'U.N. official', mentions: [{ start: 0, end: 4, types: ['ORG'] }] },
    { id: 'eng.testa:7', text: '# Oslo', mentions: [{ start: 2, end: 6, types: ['LOC'] }] },
  ]);
  expect(types.map(({ query }) => query)).toEqual(['location', 'organization']);
});

test('types get names that read as words; bins for the rest are told', async () => {
  const written = [
    'creative-work',
    'WORK_OF_ART',
    'CreativeWork',
    'Medication/Vaccine',
    'GPE',
    'art-other',
    'OtherLOC',
    'MISC',
    'Mother',
  ];
  const path = await file('names.conll', written.map((type) => `x\tB-${type}\n`).join(''));
  const { types } = await readConll([path]);
  expect(types.map(({ type, query, other }) => `${type}: ${query}${other ? ' (other)' : ''}`)).toEqual([
    'CreativeWork: creative work',
    'GPE: GPE',
    'MISC: miscellaneous (other)',
    'Medication/Vaccine: medication or vaccine',
    'Mother: mother',
    'OtherLOC: other LOC (other)',
    'WORK_OF_ART: WORK OF ART',
    'art-other: art other (other)',
    'creative-work: creative work',
  ]);
});

test.each([
  ['one column', 'a\n', /bad\.conll:1: expected a token line "token … tag", but received "a"/],
  ['a bare type', 'a\tO\nb\tperson\n', /bad\.conll:2: expected the tag O, or B-, I-, L-, E-, U- or S- and a type/],
  [
    'an end without a beginning',
    'a O\nb E-PER\n',
    /bad\.conll:2: expected B-PER or I-PER on the token before an E-PER/,
  ],
  ['an end of another type', 'a B-PER\nb L-LOC\n', /bad\.conll:2: expected B-LOC or I-LOC/],
])('a malformed line is named: %s', async (_, content, message) => {
  await expect(readConll([await file('bad.conll', content)])).rejects.toThrow(message);
});
