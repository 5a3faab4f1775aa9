import { info } from '@ner-retriever/native';
import { beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../test-support/run-command.js';
import { documentOf, tinyModel, workspace } from '../test-support/workspace.js';

const { path, lines } = workspace();

let index: string;
beforeAll(async () => {
  index = path('index');
  const documents = Array.from({ length: 40 }, (_, number) =>
    documentOf(
      `d${number}`,
      `Anna ${number} went to Berlin with Bert ${number}.`,
      `Anna ${number}`,
      'Berlin',
      `Bert ${number}`,
    ),
  );
  const source = await lines('documents.jsonl', documents);
  expect((await runCommand(['index', source, '--index', index, '--model', tinyModel])).code).toBe(0);
});

test('asked before there is one: what to do', async () => {
  const { code, stderr } = await runCommand(['search', 'city', '--index', index, '--approximate']);
  expect(code).toBe(1);
  expect(stderr).toContain('ner-retriever approximate --index DIR --factory HNSW32');
  const { stdout } = await runCommand(['index-info', '--index', index]);
  expect(stdout).toMatch(/^approximate +none$/m);
});

test('flags that do not go together', async () => {
  for (const wrong of [
    ['search', 'city', '--index', index, '--approximate', '--all'],
    ['search', 'city', '--index', index, '--ef-search', '4'],
    ['index-info', '--index', index, '--nprobe', '4'],
    ['approximate', '--index', index],
    ['approximate', '--index', index, '--factory', 'Flat', '--remove'],
  ]) {
    expect((await runCommand(wrong)).code).toBe(2);
  }
});

describe.skipIf(!info().faiss.available)('with FAISS', () => {
  test('built, measured, searched, removed', async () => {
    const built = await runCommand(['approximate', '--index', index, '--factory', 'HNSW8', '--json']);
    expect(built.code).toBe(0);
    expect(JSON.parse(built.stdout)).toEqual({ factory: 'HNSW8', rows: 120, bytes: expect.any(Number) });

    const measured = await runCommand([
      'index-info',
      '--index',
      index,
      '--measure',
      '--limit',
      '5',
      '--ef-search',
      '200',
      '--json',
    ]);
    expect(JSON.parse(measured.stdout)).toMatchObject({
      approximate: { factory: 'HNSW8', rows: 120, isCurrent: true },
      measured: { queries: 100, limit: 5, recall: 1 },
    });
    const told = await runCommand(['index-info', '--index', index, '--measure', '--ef-search', '200']);
    expect(told.stdout).toMatch(
      /^measured +recall@100 1\.000 over 100 mentions as queries; [\d.]+ ms a query, exact [\d.]+ ms$/m,
    );

    const search = ['search', 'city', '--index', index, '--limit', '5', '--jsonl'];
    const exact = await runCommand(search);
    const approximate = await runCommand([...search, '--approximate', '--ef-search', '200']);
    expect(approximate).toEqual({ code: 0, stdout: exact.stdout, stderr: '' });

    const removed = await runCommand(['approximate', '--index', index, '--remove']);
    expect(removed).toMatchObject({ code: 0, stderr: expect.stringContaining('removed') });
  });

  test("FAISS's own words where it refuses a factory string or a parameter", async () => {
    const refused = await runCommand(['approximate', '--index', index, '--factory', 'Nonsense']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('FAISS refused "Nonsense"') });
    await runCommand(['approximate', '--index', index, '--factory', 'Flat']);
    const other = await runCommand(['search', 'city', '--index', index, '--approximate', '--nprobe', '4']);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('nprobe') });
  });
});
