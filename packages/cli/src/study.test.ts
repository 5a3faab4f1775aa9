import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runCommand } from '../test-support/run-command.js';
import { workspace } from '../test-support/workspace.js';

const files = workspace();
const source = fileURLToPath(new URL('../../../test/fixtures/graphs/stories260k-dynamo', import.meta.url));
const corpus = fileURLToPath(
  new URL('../../core/src/evaluation/fixtures/multiconer2-en-excerpt.conll', import.meta.url),
);

test('prints tables, and writes a page that is whole in itself', async () => {
  const page = files.path('study.html');
  const { code, stdout } = await runCommand(['study', corpus, '--model', source, '--pairs', '200', '--report', page]);
  expect(code).toBe(0);
  expect(stdout.match(/^ {4}[0-4] {2}( +0\.\d{3}[ *]){6}$/gm)).toHaveLength(10);
  expect(stdout.match(/best AUC 0\.\d{3} \(\w+ of block \d\)/g)).toHaveLength(4);
  const html = readFileSync(page, 'utf8');
  expect(html.match(/<table>/g)).toHaveLength(8);
  expect(html.match(/<td class="best"/g)?.length).toBeGreaterThanOrEqual(8);
  expect(html).not.toMatch(/src=|href=|<script/);
});

test('prints JSON', async () => {
  const { stdout } = await runCommand([
    'study',
    corpus,
    '--model',
    source,
    '--documents',
    '10',
    '--pairs',
    '20',
    '--json',
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ dataset: 'multiconer2', documents: 10, cells: expect.any(Array) });
});

test.each([
  [['study'], /Expected --model/],
  [['study', '--model', source], /Expected FILE…/],
  [['study', 'corpus.txt', '--model', source], /\.conll files, or \.jsonl files/],
  [['study', corpus, '--model', source, '--pairs', '0'], /a whole number from 1/],
])('%j is wrong usage', async (words, message) => {
  expect(await runCommand(words)).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
});
