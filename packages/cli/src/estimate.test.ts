import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runCommand } from '../test-support/run-command.js';
import { tinyModel, workspace } from '../test-support/workspace.js';

const { path, lines, file } = workspace();

const names = ['Microraptor', 'Angela Merkel', 'Maria Callas', 'São Paulo'];
const documents = Array.from({ length: 400 }, (_, number) => {
  const name = names[number % names.length] as string;
  return {
    id: `d${number}`,
    text: `${name} ${'and so on '.repeat(number % 17)}`,
    mentions: [{ start: 0, end: name.length }],
  };
});
const index = (...words: string[]) => runCommand(['index', ...words, '--model', tinyModel]);
const leftOvers = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('ner-retriever-estimate-'));

test('says what a run would do, and does nothing', async () => {
  const source = await lines('docs.jsonl', documents);
  const directory = path('wiki');
  const before = await leftOvers();
  const dry = await index(source, '--index', directory, '--dry-run', '--json');
  expect([dry.code, dry.stderr]).toEqual([0, '']);
  expect(existsSync(directory)).toBe(false);
  expect((await leftOvers()).filter((name) => !before.includes(name))).toEqual([]);
  const estimate = JSON.parse(dry.stdout);
  // The sample is the whole here: what is estimated is exact, but for time and the pages of the catalog.
  expect(estimate).toMatchObject({
    documents: 400,
    replaced: 0,
    unchanged: 0,
    refused: 0,
    mentions: 400,
    skippedMentions: 0,
  });
  expect(estimate.sample.documents).toBe(400);

  const run = await index(source, '--index', directory);
  expect(run.stderr).toContain('400 documents added');
  const info = JSON.parse((await runCommand(['index-info', '--index', directory, '--json'])).stdout);
  expect(info.mentions).toBe(estimate.mentions);
  expect(estimate.bytes / info.bytes).toBeGreaterThan(0.5);
  expect(estimate.bytes / info.bytes).toBeLessThan(1.5);

  const changed = await lines('changed.jsonl', [
    ...documents.slice(0, 10),
    { id: 'd10', text: 'other' },
    { id: 'new', text: 'x' },
  ]);
  const again = await index(changed, '--index', directory, '--dry-run');
  expect(again.stdout).toMatch(/^documents {3}1 to add, 1 to replace; 10 unchanged, 0 refused\n/);
  expect(again.stdout).toMatch(/\nmentions .*\ntokens .*\nindex .*\ntime .*\n$/);
  expect(JSON.parse((await runCommand(['index-info', '--index', directory, '--json'])).stdout)).toEqual(info);
});

test('names what would be refused, with the exit code of the run', async () => {
  const bad = await file('bad.jsonl', '{"id":"a","text":"x"}\n{"id":"b"}\n{"id":"a","text":"y"}\n');
  const dead = path('dead.jsonl');
  const dry = await index(bad, '--index', path('none'), '--dry-run', '--dead-letters', dead);
  expect(dry.code).toBe(1);
  expect(dry.stderr).toMatch(/bad\.jsonl:2: .*\n.*bad\.jsonl:3: /);
  expect(dry.stdout).toContain('1 to add, 0 to replace; 0 unchanged, 2 refused');
  expect((await readFile(dead, 'utf8')).trim().split('\n')).toHaveLength(2);
  const strict = await index(bad, '--index', path('none'), '--dry-run', '--strict');
  expect([strict.code, strict.stdout]).toEqual([1, '']);
  expect(strict.stderr).toContain('bad.jsonl:2: ');
  expect(existsSync(path('none'))).toBe(false);
});

test('refuses what the run would refuse: an index of another model, a folder that is none, --json alone', async () => {
  const source = await lines('few.jsonl', documents.slice(0, 3));
  await index(source, '--index', path('tiny'));
  const bundled = fileURLToPath(new URL('../../model-en/model', import.meta.url));
  const other = await runCommand(['index', source, '--index', path('tiny'), '--dry-run', '--model', bundled]);
  expect(other.code).toBe(1);
  expect(other.stderr).toMatch(/tiny" was made by model /);
  const foreign = await index(source, '--index', path(''), '--dry-run');
  expect(foreign.code).toBe(1);
  expect((await index(source, '--index', path('tiny'), '--json')).code).toBe(2);
});
