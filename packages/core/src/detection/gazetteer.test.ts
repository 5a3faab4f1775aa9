import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { type GazetteerOptions, openGazetteer } from './gazetteer.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gazetteer-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(content: string | Uint8Array, name = 'names.txt'): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

/** "start:text" of what is found of the names in a text. */
async function find(names: readonly string[], text: string, options?: GazetteerOptions): Promise<string[]> {
  const gazetteer = await openGazetteer(await fileOf(names.join('\n')), options);
  const [mentions = []] = await gazetteer.detect([text]);
  for (const { start, end, text: own } of mentions) expect(own).toBe(text.slice(start, end));
  return mentions.map(({ start, text: own }) => `${start}:${own}`);
}

describe('names in texts', () => {
  test('whole words only, in every script', async () => {
    expect(await find(['Ann', 'AI'], "Ann's Annabel, Joann, Ann-Marie; AI, AIs, GPT_AI, (AI)")).toEqual([
      '0:Ann',
      '22:Ann',
      '33:AI',
      '51:AI',
    ]);
    expect(await find(['Ural', 'Урал'], 'Урала Урал, Ural')).toEqual(['6:Урал', '12:Ural']);
    expect(await find(['東京', '京都'], '東京と京都に')).toEqual(['0:東京', '3:京都']);
    expect(await find(['กรุงเทพ'], 'ไปกรุงเทพกัน')).toEqual(['2:กรุงเทพ']);
    expect(await find(['Oslo'], '😀 Oslo 😀Oslo')).toEqual(['3:Oslo', '10:Oslo']);
  });

  test('of names that begin together the longest; none within another', async () => {
    const names = ['New York', 'New York Times', 'York University', 'Times', 'York'];
    expect(await find(names, 'New York Times, New York Post, Times, New York University')).toEqual([
      '0:New York Times',
      '16:New York',
      '31:Times',
      '38:New York',
    ]);
    expect(await find(['a b c d', 'b c'], 'a b c x')).toEqual(['2:b c']);
  });

  test('white space is white space; where a name has none, there must be none', async () => {
    expect(await find(['New York', 'AT&T', 'C++'], 'New\n  York, AT&T, AT & T, C++17, C + +, NewYork')).toEqual([
      '0:New\n  York',
      '12:AT&T',
      '26:C++',
    ]);
  });

  test('capitals count, unless the name has none', async () => {
    const text = 'Apple apple APPLE Microraptor microraptor MICRORAPTOR';
    expect(await find(['Apple', 'microraptor'], text)).toEqual([
      '0:Apple',
      '18:Microraptor',
      '30:microraptor',
      '42:MICRORAPTOR',
    ]);
    expect(await find(['Apple'], text, { ignoreCase: true })).toEqual(['0:Apple', '6:apple', '12:APPLE']);
    expect(await find(['iPhone'], 'iPhone iphone IPHONE')).toEqual(['0:iPhone']);
    // One of each kind from the same place: the longest.
    expect(await find(['New York', 'new york city'], 'New York City')).toEqual(['0:New York City']);
  });

  test('accents composed or not, apostrophes straight or not', async () => {
    expect(await find(['Café', "O'Brien"], 'Cafe\u0301 Cafe O’Brien')).toEqual(['0:Cafe\u0301', '11:O’Brien']);
    expect(await find(['Cafe\u0301', 'O’Brien'], "Café O'Brien")).toEqual(['0:Café', "5:O'Brien"]);
  });

  test('several texts, empty ones too', async () => {
    const gazetteer = await openGazetteer(await fileOf('Oslo\n'));
    expect(gazetteer.name).toBe('gazetteer (names.txt)');
    expect(await gazetteer.detect(['', 'Oslo', ' '])).toEqual([[], [{ start: 0, end: 4, text: 'Oslo' }], []]);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(gazetteer.detect(['Oslo'], { signal })).rejects.toThrow('enough');
    await gazetteer.close();
  });
});

test('agrees with the rule read literally, on random names and texts', async () => {
  const random = randomNumbers(3);
  const words = ['a', 'b', 'c', 'd', '-', 'é'];
  const phrase = (most: number) =>
    Array.from({ length: 1 + Math.floor(random() * most) }, () => words[Math.floor(random() * words.length)]);
  for (let round = 0; round < 60; round++) {
    const names = Array.from({ length: 8 }, () => phrase(4).join(' '));
    const text = phrase(60);
    const expected: string[] = [];
    let at = 0;
    for (let place = 0; place < text.length; ) {
      const fitting = [4, 3, 2, 1].find(
        (length) => place + length <= text.length && names.includes(text.slice(place, place + length).join(' ')),
      );
      const own = text.slice(place, place + (fitting ?? 1)).join(' ');
      if (fitting) expected.push(`${at}:${own}`);
      at += own.length + 1;
      place += fitting ?? 1;
    }
    expect(await find(names, text.join(' '))).toEqual(expected);
  }
});

test('a hundred thousand names, each found where it stands', async () => {
  const names = Array.from({ length: 100_000 }, (_, number) => `Name ${number} of ${number % 7}`);
  const gazetteer = await openGazetteer(await fileOf(gzipSync(names.join('\n')), 'many.txt.gz'));
  const [mentions = []] = await gazetteer.detect([names.toReversed().join('; ')]);
  expect(mentions.map(({ text }) => text)).toEqual(names.toReversed());
});

describe('bad lists', () => {
  test('are named by file and line', async () => {
    const broken = await fileOf(
      Buffer.concat([Buffer.from('Oslo\n\nRome\n'), Buffer.from([0xff, 0x0a])]),
      'broken.txt',
    );
    await expect(openGazetteer(broken)).rejects.toMatchObject({
      code: 'LINE_NOT_UTF8',
      message: expect.stringContaining(`${broken}:4: expected UTF-8`),
    });
    const empty = await fileOf('\n \r\n', 'empty.txt');
    await expect(openGazetteer(empty)).rejects.toMatchObject({
      code: 'GAZETTEER_EMPTY',
      message: expect.stringContaining(`${empty}: expected names, one a line`),
    });
    await expect(openGazetteer(join(folder, 'none.txt'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await expect(openGazetteer(await fileOf('x'.repeat(70_000), 'long.txt'))).rejects.toMatchObject({
      code: 'LINE_TOO_LONG',
    });
    const misspelled = { ignorecase: true } as GazetteerOptions;
    await expect(openGazetteer(empty, misspelled)).rejects.toMatchObject({ code: 'OPTION_UNKNOWN' });
  });
});
