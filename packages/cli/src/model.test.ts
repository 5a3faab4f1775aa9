import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { runCommand } from '../test-support/run-command.js';
import { documentOf, tinyModel, workspace } from '../test-support/workspace.js';

const files = workspace();
const graphs = fileURLToPath(new URL('../../../test/fixtures/graphs/', import.meta.url));
const source = `${graphs}stories260k-dynamo`;

describe('model prepare', () => {
  test('makes a folder that index and search take', async () => {
    const out = files.path('prepared');
    const prepared = await runCommand(['model', 'prepare', source, '--block', '3', '--out', out]);
    expect(prepared).toMatchObject({ code: 0, stdout: '' });
    expect(prepared.stderr).toMatch(
      /value of block 3, 32 dimensions\n\d+ kB of 1\.0 MB of weights kept; \d+ kB \(\d+ %\) saved/,
    );

    const documents = await files.lines('documents.jsonl', [
      documentOf('a', 'Lily saw a cat.', 'Lily', 'cat'),
      documentOf('b', 'Tom had a red ball.', 'Tom', 'ball'),
    ]);
    const index = files.path('index');
    expect((await runCommand(['index', documents, '--index', index, '--model', out])).code).toBe(0);
    const { code, stdout } = await runCommand(['search', 'a cat', '--index', index, '--jsonl']);
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(2);

    // A model without a detector refuses to detect; another model's index is refused by name and fingerprint.
    const detected = await runCommand([
      'index',
      documents,
      '--index',
      files.path('other'),
      '--model',
      out,
      '--mentions',
      'detect',
    ]);
    expect(detected).toMatchObject({ code: 1, stderr: expect.stringContaining('detector') });
    const mismatch = await runCommand(['search', 'a cat', '--index', index, '--model', tinyModel]);
    expect(mismatch.code).toBe(1);
    expect(mismatch.stderr.match(/sha256:[0-9a-f]{64}/g)).toHaveLength(2);
  });

  test('tells what was prepared as JSON', async () => {
    const out = files.path('json');
    const { code, stdout } = await runCommand([
      'model',
      'prepare',
      source,
      '--block',
      '0',
      '--tap',
      'hidden',
      '--out',
      out,
      '--json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      directory: out,
      description: { tap: { block: 0, tensor: 'hidden', dimensions: 64 } },
    });
  });

  test.each([
    [['model'], /Expected prepare, inspect, info, but received nothing/],
    [['model', 'prepair', source], /did you mean prepare\?/],
    [['model', 'prepare', '--block', '1', '--out', 'x'], /Expected one SOURCE, but received none/],
    [['model', 'prepare', source, '--out', 'x'], /Expected --block N/],
    [['model', 'prepare', source, '--block', '1'], /Expected --out/],
    [['model', 'prepare', source, '--block', '1', '--out', 'x', '--tap', 'values'], /query or key or value/],
    [['model', 'prepare', source, '--block', '9', '--out', 'x'], /a block from 0 to 4.*model inspect/],
  ])('%j is wrong usage', async (words, message) => {
    expect(await runCommand(words)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
  });

  test('says what is missing in a source', async () => {
    const { code, stderr } = await runCommand([
      'model',
      'prepare',
      tinyModel,
      '--block',
      '1',
      '--out',
      files.path('none'),
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain('config.json');
  });
});

test('model inspect lists every tap of every block', async () => {
  const { code, stdout } = await runCommand(['model', 'inspect', source]);
  expect(code).toBe(0);
  expect(stdout.match(/^block \d+ {2}model\.layers\.\d\.self_attn\.v_proj$/gm)).toHaveLength(5);
  expect(
    stdout.match(/^ {2}(query|key|value|attention|mlp|hidden) +\[batch, tokens, (32|64)\] {2}\S+$/gm),
  ).toHaveLength(30);
  const { blocks } = JSON.parse((await runCommand(['model', 'inspect', source, '--json'])).stdout);
  expect(blocks[4].taps.value.dimensions).toBe(32);
});

test('model info says what a folder holds and costs', async () => {
  const { code, stdout } = await runCommand(['model', 'info', tinyModel, '--json']);
  expect(code).toBe(0);
  const { description, cost, bytes } = JSON.parse(stdout);
  expect(description.detector).not.toBeNull();
  expect(cost.flopsPerToken).toBeGreaterThan(0);
  expect(bytes).toBeGreaterThan(cost.weightBytes);
  expect((await runCommand(['model', 'info', tinyModel])).stdout).toMatch(
    /^cut-off +estimated with --min-score auto$[\s\S]*^a token +[\d.]+ .?FLOP in its linear layers$/m,
  );
});
