import { fileURLToPath } from 'node:url';
import type { EvaluationReport } from '@ner-retriever/core/evaluation';
import { expect, test } from 'vitest';
import { runCommand } from '../test-support/run-command.js';
import { tinyModel, workspace } from '../test-support/workspace.js';

const { file } = workspace();
const excerpt = fileURLToPath(
  new URL('../../core/src/evaluation/fixtures/multiconer2-en-excerpt.conll', import.meta.url),
);

test('eval multiconer2 --json: the retriever beside its tap and BM25', async () => {
  const { code, stdout, stderr } = await runCommand(['eval', 'multiconer2', excerpt, '--model', tinyModel, '--json']);
  expect([code, stderr]).toEqual([0, '']);
  const report = JSON.parse(stdout) as EvaluationReport;
  expect(report).toMatchObject({
    dataset: 'multiconer2',
    documents: 39,
    mentions: { from: 'given', embedded: 87, skipped: 0 },
  });
  expect(report.systems.map(({ system }) => system)).toEqual(['retriever', 'tap-without-head', 'bm25']);
  expect(report.types).toHaveLength(33);
  const measured = report.types.filter(({ other }) => !other).map(({ rPrecision }) => rPrecision.retriever as number);
  expect(measured).toHaveLength(30);
  expect(report.systems[0]?.macro).toBeCloseTo(measured.reduce((sum, value) => sum + value, 0) / 30, 10);
});

test('as a table, and with detected mentions', async () => {
  const table = await runCommand(['eval', 'multiconer2', excerpt, '--model', tinyModel, '--mentions', 'detect']);
  expect(table).toMatchObject({ code: 0, stderr: '' });
  expect(table.stdout).toMatch(/Medication or Vaccine +3( +\d\.\d{3}){3}\n/);
  expect(table.stdout).toMatch(/macro mean( +\d\.\d{3}){3}\n/);
  expect(table.stdout).toContain('detected');
});

test('a malformed line is named', async () => {
  const broken = await file('broken.conll', '# id x\na _ _ B-Spaceship\n');
  const outcome = await runCommand(['eval', 'multiconer2', broken, '--model', tinyModel]);
  expect(outcome).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(`${broken}:2: expected the tag O`),
  });
});
