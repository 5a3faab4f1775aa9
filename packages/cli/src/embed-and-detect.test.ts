import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { runCommand } from '../test-support/run-command.js';
import { documentOf, tinyModel, workspace } from '../test-support/workspace.js';

const { path, file, lines } = workspace();

/** Reads what the format says, without the writer's help. */
async function readNpy(name: string): Promise<{ rows: number; columns: number; row(index: number): number[] }> {
  const bytes = await readFile(name);
  const headerEnd = 10 + bytes.readUInt16LE(8);
  const [, rows, columns] = /\((\d+), (\d+)\)/.exec(bytes.subarray(10, headerEnd).toString('latin1')) ?? [];
  const width = Number(columns);
  return {
    rows: Number(rows),
    columns: width,
    row: (index) =>
      Array.from({ length: width }, (_, column) => bytes.readFloatLE(headerEnd + 4 * (index * width + column))),
  };
}

const length = (row: readonly number[]): number => Math.hypot(...row);

test('embed: a row a mention, in order; an unusable one is NaN and named; refused lines are named', async () => {
  const documents = [
    documentOf('a', 'Vienna and Paris and Vienna', 'Paris', 'Vienna', 'Paris'),
    {
      id: 'b',
      text: 'Rome',
      mentions: [
        { start: 0, end: 99 },
        { start: 0, end: 4 },
      ],
    },
    { id: 'broken' },
    documentOf('c', 'Paris', 'Paris'),
  ];
  const source = await lines('embed.jsonl', documents);
  const out = path('v.npy');
  const { code, stdout, stderr } = await runCommand(['embed', source, '--out', out, '--model', tinyModel]);
  expect(stderr).toContain(`warning: ${source}:2: the mention 0–99 of "b" was skipped`);
  expect(stderr).toMatch(/embed\.jsonl:3: /);
  expect([code, stdout]).toEqual([1, '']);

  const array = await readNpy(out);
  // a: Paris, Vienna (exact repeats once); b: the unusable one, Rome; c: Paris
  expect(array.rows).toBe(5);
  for (const row of [0, 1, 3, 4]) expect(length(array.row(row))).toBeCloseTo(1, 5);
  expect(array.row(2).every(Number.isNaN)).toBe(true);

  const raw = path('raw.npy');
  expect((await runCommand(['embed', source, '--raw', '--out', raw, '--model', tinyModel])).code).toBe(1);
  const tap = await readNpy(raw);
  expect(tap.rows).toBe(5);
  expect(length(tap.row(0))).not.toBeCloseTo(1, 3);
});

test('embed --types: a row a description, the same whatever stands beside it', async () => {
  const out = path('types.npy');
  const outcome = await runCommand(['embed', '--types', '-', '--out', out, '--model', tinyModel], {
    input: 'dinosaur\nriver\n',
  });
  expect(outcome).toMatchObject({ code: 0, stdout: '' });
  const both = await readNpy(out);
  expect(both.rows).toBe(2);
  await runCommand(['embed', '--types', '-', '--out', out, '--model', tinyModel], { input: 'river' });
  const alone = await readNpy(out);
  for (const [column, value] of alone.row(0).entries()) expect(value).toBeCloseTo(both.row(1)[column] as number, 4);
});

test('embed: a place that cannot be written is named, and nothing is left half-written', async () => {
  const source = await lines('one.jsonl', [documentOf('a', 'Paris', 'Paris')]);
  const out = path('absent/v.npy');
  const outcome = await runCommand(['embed', source, '--out', out, '--model', tinyModel]);
  expect(outcome).toMatchObject({ code: 1, stderr: expect.stringMatching(/Cannot write ".*absent\/v\.npy"/) });

  const types = await file('blank.txt', 'river\n');
  const bad = path('bad.npy');
  const failed = await runCommand(['embed', path('absent.jsonl'), '--out', bad, '--model', tinyModel]);
  expect(failed.code).toBe(1);
  expect(existsSync(bad) || existsSync(`${bad}.partial`)).toBe(false);
  expect((await runCommand(['embed', '--types', types, '--out', bad, '--model', tinyModel])).code).toBe(0);
});

test('detect: a line a document, in order, mentions that cut out their text', async () => {
  const text = '🙂 Microraptor was found in Liaoning by Xu Xing.';
  const documents = Array.from({ length: 50 }, (_, number) => ({ id: `d${number}`, text: `${text} ${number}` }));
  const source = await lines('detect.jsonl', documents);
  const { code, stdout, stderr } = await runCommand(['detect', source, '--model', tinyModel]);
  expect([code, stderr]).toEqual([0, '']);
  const found = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(found.map(({ id }) => id)).toEqual(documents.map(({ id }) => id));
  for (const [place, { mentions }] of found.entries()) {
    for (const mention of mentions) {
      expect(mention.text).toBe(documents[place]?.text.slice(mention.start, mention.end));
      expect(mention.score).toBeGreaterThan(0);
    }
  }
});

test('detect: refused lines are named, the rest is answered', async () => {
  const { code, stdout, stderr } = await runCommand(['detect', '-', '--model', tinyModel], {
    input: '{"id": "a", "text": "Paris"}\n{\n{"id": "b", "text": "Rome"}\n',
  });
  expect(stderr).toMatch(/error: stdin:2: /);
  expect(
    stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).id),
  ).toEqual(['a', 'b']);
  expect(code).toBe(1);
});
