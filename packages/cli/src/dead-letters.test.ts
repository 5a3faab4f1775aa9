import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { runCommand } from '../test-support/run-command.js';
import { tinyModel, workspace } from '../test-support/workspace.js';

const { path, file } = workspace();

const index = (...words: string[]) => runCommand(['index', ...words, '--model', tinyModel]);
const parsed = async (name: string) =>
  (await readFile(path(name), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

const good = (id: string) => JSON.stringify({ id, text: 'Maria Callas sang.', mentions: [{ start: 0, end: 12 }] });

test('every refused line as it stood, and why; corrected, it goes in', async () => {
  const bad = await file(
    'bad.jsonl',
    Buffer.concat([
      Buffer.from(`${good('a')}\r\n{"id": "b", "text": "🦖"\r\n {"id": "c"} \n${good('a')}\n`),
      Buffer.from([0x7b, 0xff, 0x7d, 0x0a]),
      Buffer.from(good('d')),
    ]),
  );
  const table = await file('bad.csv', 'id,text\ne,"two\nlines",more\nf,"never closed\nat all');
  const empty = await file('empty.jsonl', '');
  const { code, stdout, stderr } = await index(
    bad,
    table,
    empty,
    '--index',
    path('wiki'),
    '--dead-letters',
    path('dead.jsonl'),
  );
  expect([code, stdout]).toEqual([1, '']);
  const dead = await parsed('dead.jsonl');
  expect(dead.map(({ file: from, line, code: why, record }) => [from, line, why, record])).toEqual([
    [bad, 2, 'LINE_MALFORMED', '{"id": "b", "text": "🦖"'],
    [bad, 3, 'DOCUMENT_INVALID', ' {"id": "c"} '],
    [bad, 4, 'DOCUMENT_REPEATED', good('a')],
    [bad, 5, 'LINE_NOT_UTF8', null],
    [table, 2, 'LINE_MALFORMED', 'e,"two\nlines",more'],
    [table, 4, 'LINE_MALFORMED', 'f,"never closed\nat all'],
    [empty, 1, 'INPUT_EMPTY', null],
  ]);
  expect(Object.keys(dead[0])).toEqual(['file', 'line', 'code', 'message', 'record']);
  expect(Buffer.from(dead[3].recordBase64, 'base64')).toEqual(Buffer.from([0x7b, 0xff, 0x7d]));
  for (const { message } of dead) expect(stderr).toContain(message.slice(0, 60));

  const corrected = await file('again.jsonl', `${dead[0].record}}\n`);
  const again = await index(corrected, '--index', path('wiki'), '--dead-letters', path('dead.jsonl'));
  expect(again.code).toBe(0);
  expect(again.stderr).toContain('1 document added');
  expect(await readFile(path('dead.jsonl'), 'utf8')).toBe('');
});

test('never over a file of the run, by whatever name; a folder is no file', async () => {
  const source = await file('source.jsonl', `${good('a')}\n{"id": 7}\n`);
  const over = await index(source, '--index', path('over'), '--dead-letters', `${path('')}/./source.jsonl`);
  expect(over.code).toBe(1);
  expect(over.stderr).toContain('it is read in this run; name another file');
  expect(await readFile(source, 'utf8')).toContain('{"id": 7}');
  const folder = await index(source, '--index', path('over'), '--dead-letters', path(''));
  expect(folder.code).toBe(1);
  expect(folder.stderr).toMatch(/Cannot write ".*": EISDIR/);
});

test.skipIf(!existsSync('/dev/full'))('a disk that takes no more ends the run with its reason', async () => {
  const source = await file('full.jsonl', `${good('a')}\n{"id": 7}\n`);
  const { code, stderr } = await index(source, '--index', path('full'), '--dead-letters', '/dev/full');
  expect(code).toBe(1);
  expect(stderr).toContain('Cannot write "/dev/full": ENOSPC');
});
