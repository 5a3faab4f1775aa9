import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { binary, runCommand } from '../test-support/run-command.js';
import { documentOf, tinyModel, workspace } from '../test-support/workspace.js';
import type { HitLine } from './hit-line.js';

const { path, file, lines } = workspace();

const documents = [
  documentOf('emoji', '🙂🙂 Microraptor flew over 🦖 Liaoning.', 'Microraptor', 'Liaoning'),
  documentOf(
    'combining',
    'Zoe\u0308 Kravitz met Bjo\u0308rk in Reykjavi\u0301k.',
    'Zoe\u0308 Kravitz',
    'Bjo\u0308rk',
    'Reykjavi\u0301k',
  ),
  documentOf(
    'nested',
    'The Bank of England stands in London, England.',
    'Bank of England',
    'England',
    'Bank of England',
  ),
  documentOf('family', '👩\u200d👩\u200d👧 Anna, 東京 and हिन्दी.', 'Anna', '東京', 'हिन्दी'),
  documentOf('none', 'Nothing to see here.'),
  documentOf('terminal', 'A \u001b[2J\u009b31m Trilobite\u202e crawled.\nSecond line', 'Trilobite'),
];
const withVectors = documents.filter(({ mentions }) => mentions.length > 0);

const parsed = (stdout: string): HitLine[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

let index: string;
beforeAll(async () => {
  index = path('index');
  const source = await lines('docs.jsonl', documents);
  const outcome = await runCommand(['index', source, '--index', index, '--model', tinyModel]);
  expect(outcome.stderr).toMatch(/6 documents added, 0 replaced, 0 unchanged, 0 refused/);
  expect(outcome).toMatchObject({ code: 0, stdout: '' });
});

describe('search --all --jsonl', () => {
  test('every document with a vector once, scores falling, offsets that cut out the very mention text', async () => {
    const { code, stdout, stderr } = await runCommand(['search', 'dinosaur', '--index', index, '--all', '--jsonl']);
    expect([code, stderr]).toEqual([0, '']);
    const hits = parsed(stdout);
    expect(hits.map(({ id }) => id).sort()).toEqual(withVectors.map(({ id }) => id).sort());
    expect(hits.map(({ rank }) => rank)).toEqual(hits.map((_, place) => place + 1));
    for (const [place, hit] of hits.entries()) {
      expect(Object.keys(hit)).toEqual(['type', 'rank', 'score', 'id', 'mention']);
      expect(Object.keys(hit.mention)).toEqual(['start', 'end', 'text']);
      expect(hit.type).toBe('dinosaur');
      expect(hit.score).toBeLessThanOrEqual(hits[place - 1]?.score ?? 1.0001);
      const document = documents.find(({ id }) => id === hit.id);
      expect(document?.mentions).toContainEqual({ start: hit.mention.start, end: hit.mention.end });
      expect(document?.text.slice(hit.mention.start, hit.mention.end)).toBe(hit.mention.text);
    }
  });

  test('--min-score cuts where it says, --limit cuts where it says', async () => {
    const all = parsed((await runCommand(['search', 'dinosaur', '--index', index, '--all', '--jsonl'])).stdout);
    const middle = all[2]?.score as number;
    const cut = await runCommand([
      'search',
      'dinosaur',
      '--index',
      index,
      '--all',
      '--jsonl',
      '--min-score',
      String(middle),
    ]);
    expect(parsed(cut.stdout)).toEqual(all.filter(({ score }) => score >= middle));
    const first = await runCommand(['search', 'dinosaur', '--index', index, '--limit', '2', '--jsonl']);
    expect(parsed(first.stdout)).toEqual(all.slice(0, 2));
    const none = await runCommand(['search', 'dinosaur', '--index', index, '--all', '--jsonl', '--min-score', '2']);
    expect(none).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('--evidence shows the best mentions of each hit, the best one first', async () => {
    const hits = parsed(
      (await runCommand(['search', 'dinosaur', '--index', index, '--evidence', '2', '--jsonl'])).stdout,
    );
    for (const { score, mention, mentions = [], id } of hits) {
      const given = documents.find((document) => document.id === id)?.mentions ?? [];
      expect(mentions).toHaveLength(Math.min(2, given.length));
      expect(mentions[0]).toEqual({ ...mention, score });
      for (const { start, end } of mentions) expect(given).toContainEqual({ start, end });
    }
    expect(hits.some(({ mentions }) => mentions?.length === 2)).toBe(true);
  });

  test('--min-score auto cuts where it says on standard error', async () => {
    const asked = ['search', 'dinosaur', '--index', index, '--jsonl'];
    const all = parsed((await runCommand([...asked, '--all'])).stdout);
    const cut = await runCommand([...asked, '--all', '--min-score', 'auto']);
    const [, documents, minScore] =
      /^dinosaur: (\d) documents? above the estimated cut-off (\S+)\n$/.exec(cut.stderr) ?? [];
    expect(cut.code).toBe(0);
    expect(parsed(cut.stdout)).toEqual(all.filter(({ score }) => score >= Number(minScore)));
    expect(parsed(cut.stdout)).toHaveLength(Number(documents));
    const first = await runCommand([...asked, '--limit', '1', '--min-score', 'auto']);
    expect(first).toMatchObject({ code: 0, stderr: cut.stderr });
    expect(parsed(first.stdout)).toEqual(all.slice(0, 1));
    const two = await runCommand(['search', '--types', '-', '--index', index, '--min-score', 'auto', '--json'], {
      input: 'dinosaur\nriver\n',
    });
    expect(two.stderr).toMatch(/^dinosaur: .*\nriver: .*\n$/);
    expect(JSON.parse(two.stdout).results).toHaveLength(2);
  });

  test('--types runs many descriptions, as written, ranks anew for each', async () => {
    const types = await file('types.txt', '\ufeffdinosaur\r\n\n  Österreich 🙂\r\nriver');
    const all = parsed((await runCommand(['search', '--types', types, '--index', index, '--all', '--jsonl'])).stdout);
    expect([...new Set(all.map(({ type }) => type))]).toEqual(['dinosaur', '  Österreich 🙂', 'river']);
    expect(all.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
    const two = await runCommand(['search', '--types', '-', '--index', index, '--limit', '2', '--jsonl'], {
      input: 'dinosaur\nriver\n',
    });
    expect(parsed(two.stdout).map(({ type, rank }) => `${type} ${rank}`)).toEqual([
      'dinosaur 1',
      'dinosaur 2',
      'river 1',
      'river 2',
    ]);
    const alone = await runCommand(['search', 'river', '--index', index, '--limit', '2', '--jsonl']);
    expect(parsed(two.stdout).slice(2)).toEqual(parsed(alone.stdout));
  });
});

test('--json is one document with the same hits', async () => {
  const hits = parsed((await runCommand(['search', 'dinosaur', '--index', index, '--limit', '3', '--jsonl'])).stdout);
  const { stdout } = await runCommand(['search', 'dinosaur', '--index', index, '--limit', '3', '--json']);
  expect(JSON.parse(stdout)).toEqual({ results: [{ type: 'dinosaur', hits: hits.map(({ type: _, ...hit }) => hit) }] });
  const none = await runCommand(['search', 'dinosaur', '--index', index, '--min-score', '2', '--json']);
  expect(JSON.parse(none.stdout)).toEqual({ results: [{ type: 'dinosaur', hits: [] }] });
});

test('--hybrid: what holds the words comes first, in all forms of output', async () => {
  const asked = ['search', 'a bank that stands in a city', '--index', index];
  const { code, stdout, stderr } = await runCommand([...asked, '--hybrid', '--all', '--jsonl']);
  expect([code, stderr]).toEqual([0, '']);
  const hits = parsed(stdout);
  expect(hits.map(({ id }) => id).sort()).toEqual(withVectors.map(({ id }) => id).sort());
  const byVectors = parsed((await runCommand([...asked, '--all', '--jsonl'])).stdout);
  const place = byVectors.findIndex(({ id }) => id === 'nested') + 1;
  expect(hits[0]).toMatchObject({ id: 'nested', score: 1 / (60 + place) + 1 / 61 });
  expect(hits[0]?.mention).toEqual(byVectors[place - 1]?.mention);

  const json = await runCommand([...asked, '--hybrid', '--limit', '2', '--json']);
  expect(JSON.parse(json.stdout).results[0].hits).toEqual(hits.slice(0, 2).map(({ type: _, ...hit }) => hit));
  const people = await runCommand([...asked, '--hybrid', '--limit', '2']);
  expect(people.stdout).toMatch(/\n {3}1 {2}0\.0\d{3} {2}nested\n/);
});

test('for people: rank, score, id and the marked mention, and no control character of a document', async () => {
  const { code, stdout } = await runCommand(['search', 'dinosaur', '--index', index, '--all']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^dinosaur\n {3}1 {2}-?\d\.\d{3} {2}\S+\n {6}.*\[\[.+\]\].*\n {3}2 {2}/);
  expect(stdout).toContain('A ␛[2J\ufffd31m [[Trilobite]]\ufffd crawled. Second line');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what this looks for.
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test('JSON keeps the exact text, and is safe on a terminal', async () => {
  const { stdout } = await runCommand(['search', 'dinosaur', '--index', index, '--all', '--jsonl']);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what this looks for.
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test('the reader leaves early: quiet, and done', async () => {
  const child = spawn(process.execPath, [binary, 'search', 'dinosaur', '--index', index, '--all', '--jsonl']);
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect([code, stderr]).toEqual([0, '']);
});

test.runIf(existsSync('/dev/full'))('output that cannot be written whole fails', async () => {
  const shell = spawn('sh', ['-c', `"$0" "$@" > /dev/full`, process.execPath, binary, 'search', 'x', '--index', index]);
  let stderr = '';
  shell.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  const code = await new Promise((resolve) => shell.on('close', resolve));
  expect(stderr).toMatch(/The output is not complete: ENOSPC/);
  expect(code).toBe(1);
});

test('the same documents again are unchanged, others replace', async () => {
  const again = await lines('again.jsonl', [documents[0], documentOf('none', 'Now Vienna is here.', 'Vienna')]);
  const outcome = await runCommand(['index', again, '--index', index]);
  expect(outcome.stderr).toMatch(/0 documents added, 1 replaced, 1 unchanged, 0 refused/);
  const { stdout } = await runCommand(['search', 'city', '--index', index, '--all', '--jsonl']);
  expect(parsed(stdout).find(({ id }) => id === 'none')?.mention).toEqual({ start: 4, end: 10, text: 'Vienna' });
});

test('code-point offsets, as Python gives them, and standard input', async () => {
  const other = path('code-points');
  const input = `${JSON.stringify({ id: 'a', text: '🙂🙂 Microraptor', mentions: [{ start: 3, end: 14 }] })}\n`;
  const flags = ['--index', other, '--model', tinyModel, '--mentions', 'given', '--offsets', 'code-points'];
  expect(await runCommand(['index', '-', ...flags], { input })).toMatchObject({ code: 0 });
  const { stdout } = await runCommand(['search', 'dinosaur', '--index', other, '--jsonl']);
  expect(parsed(stdout)[0]?.mention).toEqual({ start: 5, end: 16, text: 'Microraptor' });
});

test('columns of a table', async () => {
  const other = path('table');
  const table = await file('t.tsv', 'sku\tdescription\nx1\tA red bicycle\nx2\tA blue kettle\n');
  const flags = ['--index', other, '--model', tinyModel, '--columns', 'id=sku,text=description'];
  expect(await runCommand(['index', table, ...flags])).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/2 documents added/),
  });
});

test('index-info says what there is', async () => {
  const { stdout } = await runCommand(['index-info', '--index', index, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ documents: 6, model: { name: 'tiny-random' } });
  const text = await runCommand(['index-info', '--index', index]);
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text.stdout).toMatch(/documents +6\n/);
});

test("the machine's own Node runs it too", async (context) => {
  const clean = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  let node: string;
  try {
    const environment = { ...process.env, PATH: clean.join(delimiter) };
    node = execFileSync('node', ['-p', 'process.execPath'], { env: environment, encoding: 'utf8' }).trim();
  } catch {
    return context.skip('there is no Node but this one');
  }
  const other = path('own-node');
  const source = await lines('own.jsonl', documents);
  expect(await runCommand(['index', source, '--index', other, '--model', tinyModel], { node })).toMatchObject({
    code: 0,
  });
  const asked = ['search', 'dinosaur', '--index', other, '--all', '--jsonl'];
  expect((await runCommand(asked, { node })).stdout).toBe((await runCommand(asked)).stdout);
});
