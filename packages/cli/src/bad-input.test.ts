import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../test-support/run-command.js';
import { documentOf, tinyModel, workspace } from '../test-support/workspace.js';

const { path, file } = workspace();

const good = JSON.stringify(documentOf('good', 'Vienna lies on the Danube.', 'Vienna'));
const alsoGood = JSON.stringify(documentOf('also-good', 'Paris lies on the Seine.', 'Paris'));

/** Indexes a file of two good lines with something between them. */
async function indexAround(name: string, between: string | Uint8Array, ...flags: string[]) {
  const source = await file(
    `${name}.jsonl`,
    Buffer.concat([Buffer.from(`${good}\n`), Buffer.from(between as string), Buffer.from(`\n${alsoGood}\n`)]),
  );
  const directory = path(name);
  const outcome = await runCommand([
    'index',
    source,
    '--index',
    directory,
    '--model',
    tinyModel,
    '--mentions',
    'given',
    ...flags,
  ]);
  return { ...outcome, source, directory };
}

async function idsIn(directory: string): Promise<string[]> {
  const { stdout } = await runCommand(['search', 'city', '--index', directory, '--all', '--jsonl']);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).id)
    .sort();
}

test.each([
  ['broken-json', '{"id": "x", "text": ', /expected .*JSON/],
  ['no-text', '{"id": "x"}', /"text"/],
  ['no-id', '{"text": "x"}', /"id"/],
  ['text-is-number', '{"id": "x", "text": 3}', /"text"/],
  ['no-object', '[1, 2]', /expected/],
  [
    'invalid-utf-8',
    Uint8Array.from([...Buffer.from('{"id": "x", "text": "a'), 0xff, 0xfe, ...Buffer.from('"}')]),
    /UTF-8/,
  ],
  ['id-twice', good.replace('Vienna', 'Wien'), /the id "good" was already given at .*id-twice\.jsonl:1/],
  ['mentions-are-words', '{"id": "x", "text": "a b", "mentions": ["a"]}', /mentions/],
])('%s: the line is named, the rest goes in, exit 1', async (name, between, message) => {
  const { code, stdout, stderr, source, directory } = await indexAround(name, between);
  expect(stderr).toContain(`${source}:2: `);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/2 documents added, 0 replaced, 0 unchanged, 1 refused/);
  expect(stderr).not.toMatch(/\n {4}at /);
  expect([code, stdout]).toEqual([1, '']);
  expect(await idsIn(directory)).toEqual(['also-good', 'good']);
});

test('--strict stops at the first refused line; what was there before stays', async () => {
  const first = await indexAround('strict', '');
  expect(first.code).toBe(0);
  const { code, stderr, source, directory } = await indexAround('strict', '{"id": "x"}', '--strict');
  expect(code).toBe(1);
  expect(stderr).toContain(`${source}:2: `);
  expect(await idsIn(directory)).toEqual(['also-good', 'good']);
});

test('mentions that cannot be used only warn, with their reason', async () => {
  const text = 'a🙂b Vienna';
  const spans = [
    { start: 5, end: 11 },
    { start: 5, end: 99 },
    { start: 3, end: 3 },
    { start: 0, end: 2 },
  ];
  const { code, stderr, source, directory } = await indexAround(
    'spans',
    JSON.stringify({ id: 'spans', text, mentions: spans }),
  );
  expect(stderr).toContain(
    `warning: ${source}:2: the mention 5–99 of "spans" was skipped: it reaches outside the text.`,
  );
  expect(stderr).toMatch(/the mention 3–3 of "spans" was skipped: it is empty/);
  expect(stderr).toMatch(/the mention 0–2 of "spans" was skipped: it splits a character\. .*--offsets code-points/);
  expect(stderr).toMatch(/3 skipped/);
  expect(code).toBe(0);
  expect(await idsIn(directory)).toEqual(['also-good', 'good', 'spans']);
});

test('many refused lines are named up to a bound', async () => {
  const { code, stderr } = await indexAround('many', Array<string>(500).fill('{').join('\n'));
  expect(code).toBe(1);
  expect(stderr.match(/error: .*many\.jsonl:\d+:/g)).toHaveLength(20);
  expect(stderr).toContain('… and 480 more refused lines');
});

test('an empty file is named, other files go in', async () => {
  const empty = await file('empty.jsonl', '');
  const other = await file('other.jsonl', `${good}\n`);
  const directory = path('beside-empty');
  const { code, stderr } = await runCommand(['index', empty, other, '--index', directory, '--model', tinyModel]);
  expect(stderr).toContain(`${empty}: expected at least one document, but the file is empty`);
  expect(code).toBe(1);
  expect(await idsIn(directory)).toEqual(['good']);
});

test('a text of 5 MB goes in, its mentions found wherever they stand', async () => {
  const sentence = 'The quick brown fox jumps over the lazy dog in Vienna. ';
  const text = `${sentence.repeat(Math.ceil(5_000_000 / sentence.length))}At last Reykjavik.`;
  const document = { id: 'long', text, mentions: [{ start: text.length - 10, end: text.length - 1 }] };
  const { code, stderr, directory } = await indexAround('long', JSON.stringify(document));
  expect(stderr).toMatch(/3 documents added/);
  expect(code).toBe(0);
  const { stdout } = await runCommand(['search', 'city', '--index', directory, '--all', '--jsonl']);
  const hit = stdout.split('\n').find((line) => line.includes('"long"')) as string;
  expect(JSON.parse(hit).mention).toEqual({ ...document.mentions[0], text: 'Reykjavik' });
});

test('a missing file, a folder, an unknown format', async () => {
  const flags = ['--index', path('unread'), '--model', tinyModel];
  const missing = await runCommand(['index', path('absent.jsonl'), ...flags]);
  expect(missing).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Cannot read ".*absent\.jsonl": there is no such file/),
  });
  const folder = await runCommand(['index', path(''), ...flags]);
  expect(folder).toMatchObject({ code: 1, stderr: expect.stringMatching(/it is a folder/) });
  const unknown = await runCommand(['index', await file('notes.docx', 'x'), ...flags]);
  expect(unknown).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/Cannot tell the format of ".*notes\.docx"/),
  });
});

test('no index, and a folder that is none', async () => {
  const absent = await runCommand(['search', 'city', '--index', path('absent.index')]);
  expect(absent).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/There is no index at ".*absent\.index"/),
  });
  await file('plain.txt', 'x');
  const none = await runCommand(['search', 'city', '--index', path('')]);
  expect(none).toMatchObject({ code: 1, stderr: expect.stringMatching(/is no index/) });
  const source = await file('one.jsonl', `${good}\n`);
  const intoNone = await runCommand(['index', source, '--index', path(''), '--model', tinyModel]);
  expect(intoNone).toMatchObject({ code: 1, stderr: expect.stringMatching(/is no index/) });
});

test('an index made by another model is refused, and stays as it is', async () => {
  const { directory, source } = await indexAround('first-model', '');
  const other = path('other-model');
  await cp(tinyModel, other, { recursive: true });
  const description = JSON.parse(await readFile(join(other, 'model.json'), 'utf8'));
  await writeFile(join(other, 'model.json'), JSON.stringify({ ...description, pooling: 'first' }));
  for (const words of [
    ['search', 'city', '--index', directory, '--model', other],
    ['index', source, '--index', directory, '--model', other],
  ]) {
    const { code, stdout, stderr } = await runCommand(words);
    expect(stderr).toMatch(/model/);
    expect([code, stdout]).toEqual([1, '']);
  }
  expect(await idsIn(directory)).toEqual(['also-good', 'good']);
});

test('no model folder, a broken one', async () => {
  const source = await file('two.jsonl', `${good}\n`);
  const absent = await runCommand(['index', source, '--index', path('x1'), '--model', path('no-model')]);
  expect(absent).toMatchObject({ code: 1, stderr: expect.stringMatching(/Expected a model folder at .*no-model/) });
  const broken = path('broken-model');
  await cp(tinyModel, broken, { recursive: true });
  await writeFile(join(broken, 'tokenizer.json'), '{}');
  const changed = await runCommand(['index', source, '--index', path('x2'), '--model', broken]);
  expect(changed).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/tokenizer\.json .*is not the file that model\.json describes/),
  });
});

test('type descriptions: an empty file, one that is not UTF-8, none at all', async () => {
  const { directory } = await indexAround('described', '');
  const ask = (types: string) => runCommand(['search', '--types', types, '--index', directory]);
  expect(await ask(await file('empty.txt', '\n \n'))).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/holds no type description/),
  });
  expect(await ask(await file('latin.txt', Uint8Array.of(0xe9, 10)))).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/not UTF-8/),
  });
  expect(await ask(path('absent.txt'))).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Cannot read ".*absent\.txt"/),
  });
});
