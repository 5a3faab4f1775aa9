import { beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../test-support/run-command.js';
import { documentOf, tinyModel, workspace } from '../test-support/workspace.js';
import type { HitLine } from './hit-line.js';

const { path, file, lines } = workspace();

const documents = [
  {
    ...documentOf('toyota', 'Toyota opened a plant in Derby.', 'Toyota', 'Derby'),
    metadata: { lang: 'en', year: 1999 },
  },
  { ...documentOf('fiat', 'Fiat baut Autos in Turin.', 'Fiat', 'Turin'), metadata: { lang: 'de', year: 2005 } },
  { ...documentOf('ferrari', 'Ferrari won at Monza.', 'Ferrari', 'Monza'), metadata: { lang: 'en', year: 2010 } },
  { ...documentOf('year', 'Enzo was born in Modena.', 'Enzo', 'Modena'), metadata: { lang: 'en', year: '2010' } },
  documentOf('bare', 'The river Trent floods.', 'Trent'),
];

let index: string;
beforeAll(async () => {
  index = path('index');
  const source = await lines('docs.jsonl', documents);
  const outcome = await runCommand(['index', source, '--index', index, '--model', tinyModel, '--mentions', 'given']);
  expect(outcome).toMatchObject({ code: 0 });
});

async function hitsOf(...words: string[]): Promise<HitLine[]> {
  const { code, stdout, stderr } = await runCommand(['search', ...words, '--index', index, '--jsonl']);
  expect([code, stderr]).toEqual([0, '']);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const scores = (hits: readonly HitLine[]) => hits.map(({ id, score }) => ({ id, score }));

describe('combined descriptions', () => {
  test('say what they are in each line, and rank as one', async () => {
    const combination = [
      '--and',
      'car maker^2',
      '--not',
      'railway',
      '--example',
      '[[Toyota]] opened a plant in Derby.',
    ];
    const hits = await hitsOf('company', ...combination);
    expect(hits.length).toBe(5);
    expect(new Set(hits.map(({ type }) => type))).toEqual(
      new Set(['"company" and "car maker"^2 not "railway" like "[[Toyota]] opened a plant in Derby."']),
    );
    expect(scores(hits)).not.toEqual(scores(await hitsOf('company')));
    expect(await hitsOf('company', ...combination, '--all')).toEqual(hits);
    expect(scores(await hitsOf('company', ...combination, '--hybrid')).length).toBe(5);
  });

  test('an example in its own sentence finds its document; a TYPE is not needed', async () => {
    const [first] = await hitsOf('--example', 'Fiat baut Autos in [[Turin]].');
    expect(first).toMatchObject({ id: 'fiat', score: expect.closeTo(1, 4), mention: { text: 'Turin' } });
    const [alone] = await hitsOf('--example', 'Turin^2');
    expect(alone?.type).toBe('like "Turin"^2');
  });

  test('a caret is a weight before a number, in a combination; else it is what it is', async () => {
    const [alone] = await hitsOf('x^2');
    expect(alone?.type).toBe('x^2');
    const [combined] = await hitsOf('x^y', '--and', 'a^b c^0.5', '--not', 'd^');
    expect(combined?.type).toBe('"x^y" and "a^b c"^0.5 not "d^"');
    // As much of each as the other way round.
    const order = await hitsOf('river^3', '--and', 'company');
    expect(scores(order)).toEqual(
      scores(await hitsOf('company', '--and', 'river^3')).map(({ id, score }) => ({
        id,
        score: expect.closeTo(score, 5),
      })),
    );
  });

  test.each([
    [['--not', 'a'], 2, /something in all or in examples/],
    [['a', '--and', ''], 2, /a value \(TYPE\) for --and/],
    [['a', '--and', 'b^0'], 2, /a number above 0 for queries\[0\]\.all\[1\]\.weight/],
    [['--example', '[[a]] and [[b]]'], 2, /one mention in \[\[ and \]\] for --example/],
    [['--example', 'a]] b'], 2, /one mention in/],
    [['--example', '[[a'], 2, /one mention in/],
    [['--example', '[[]] b'], 2, /\(empty\)/],
    [['a', 'b', '--and', 'c'], 2, /one TYPE, in quotes/],
    [[], 2, /"TYPE" or --types FILE, but received none/],
  ])('%j is refused', async (words, code, message) => {
    const outcome = await runCommand(['search', ...words, '--index', index]);
    expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
  });

  test('--types with --and is refused', async () => {
    const types = await file('types.txt', 'river\n');
    const outcome = await runCommand(['search', '--types', types, '--and', 'b', '--index', index]);
    expect(outcome).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/"TYPE" or --types FILE, but received both/),
    });
  });
});

describe('--where', () => {
  test.each<[string[], string[]]>([
    [['lang=en'], ['ferrari', 'toyota', 'year']],
    [['lang = en', 'year>=2000'], ['ferrari']],
    [['year<=1999'], ['toyota']],
    [['year>1999', 'year < 2010'], ['fiat']],
    [['year="2010"'], ['year']],
    [['lang!=en'], ['bare', 'fiat']],
    [['{"$or": [{"lang": "de"}, {"year": {"$exists": false}}]}'], ['bare', 'fiat']],
    [['lang=none'], []],
    [['lang='], []],
  ])('%j', async (conditions, ids) => {
    const flags = conditions.flatMap((condition) => ['--where', condition]);
    const hits = await hitsOf('car', ...flags);
    expect(hits.map(({ id }) => id).sort()).toEqual(ids);
    expect(await hitsOf('car', ...flags, '--all')).toEqual(hits);
    expect((await hitsOf('car', ...flags, '--hybrid')).map(({ id }) => id).sort()).toEqual(ids);
  });

  test('goes with many types', async () => {
    const types = await file('types.txt', 'river\ncar\n');
    const hits = await hitsOf('--types', types, '--where', 'lang=de');
    expect(hits.map(({ type, id }) => [type, id])).toEqual([
      ['river', 'fiat'],
      ['car', 'fiat'],
    ]);
  });

  test.each([
    ['lang', /a condition \(lang=en, "year>=2000"\) or a filter as JSON .* for --where, but received "lang"/],
    ['=en', /for --where/],
    ['{"lang": en}', /for --where, but received JSON that cannot be read/],
    ['{"lang": {"$equals": "en"}}', /Unknown option "\$equals" for where\.lang/],
    ['year>=true', /a number or a string for where\.year\.\$gte/],
    ['tags=["a"]', /for where\.tags\.\$eq, but received an array/],
  ])('%s is refused', async (condition, message) => {
    const outcome = await runCommand(['search', 'car', '--index', index, '--where', condition]);
    expect(outcome).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
  });
});
