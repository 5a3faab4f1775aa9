import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { DetectionReport, EvaluationReport } from '@ner-retriever/core/evaluation';
import { expect, test } from 'vitest';
import { runCommand } from '../test-support/run-command.js';
import { sentenceModel, tinyModel, workspace } from '../test-support/workspace.js';

const { file, lines, path } = workspace();
const fixture = (name: string) => fileURLToPath(new URL(`../../core/src/evaluation/fixtures/${name}`, import.meta.url));
const excerpt = fixture('multiconer2-en-excerpt.conll');
const tweets = fixture('wnut17-test-excerpt.conll');

test('eval multiconer2 --json: the retriever beside its tap and BM25', async () => {
  const { code, stdout, stderr } = await runCommand(['eval', 'multiconer2', excerpt, '--model', tinyModel, '--json']);
  expect([code, stderr]).toEqual([0, '']);
  const report = JSON.parse(stdout) as EvaluationReport;
  expect(report).toMatchObject({
    dataset: 'multiconer2',
    documents: 39,
    mentions: { from: 'given', embedded: 87, skipped: 0 },
  });
  expect(report.systems.map(({ system }) => system)).toEqual(['retriever', 'tap-without-head', 'bm25', 'hybrid']);
  expect(report.types).toHaveLength(33);
  const measured = report.types.filter(({ other }) => !other).map(({ rPrecision }) => rPrecision.retriever as number);
  expect(measured).toHaveLength(30);
  expect(report.systems.map(({ cutOff }) => cutOff?.whole?.types)).toEqual([30, undefined, undefined, undefined]);
  expect(report.types[0]?.cutOff.retriever?.whole).toMatchObject({ minScore: expect.any(Number) });
  expect(report.systems[0]?.macro).toBeCloseTo(measured.reduce((sum, value) => sum + value, 0) / 30, 10);
});

test('eval --sentence-model: a row of its own, named in the report', async () => {
  const words = ['eval', 'multiconer2', excerpt, '--model', tinyModel, '--sentence-model', sentenceModel];
  const { code, stdout, stderr } = await runCommand([...words, '--json']);
  expect([code, stderr]).toEqual([0, '']);
  const report = JSON.parse(stdout) as EvaluationReport;
  expect(report.sentenceModel).toMatchObject({ name: 'sentence-model', pooling: 'mean' });
  expect(report.systems.map(({ system }) => system).at(-1)).toBe('sentence');
  expect(report.systems.at(-1)?.measures?.recallAt[1000]).toBe(1);
  const table = await runCommand(words);
  expect(table.stdout).toMatch(/^ {2}sentences +sentence-model \(sha256:\w+…\), mean$/m);
  expect(table.stdout).toMatch(/^ {2}sentences( +\d\.\d{3}){6}$/m);
  const absent = await runCommand([...words.slice(0, -1), 'no-such-folder']);
  expect(absent).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('a folder with an ONNX model') });
});

test('as a table, and with detected mentions', async () => {
  const table = await runCommand(['eval', 'multiconer2', excerpt, '--model', tinyModel, '--mentions', 'detect']);
  expect(table).toMatchObject({ code: 0, stderr: '' });
  expect(table.stdout).toMatch(/Medication or Vaccine +3( +\d\.\d{3}){4}\n/);
  expect(table.stdout).toMatch(/macro mean( +\d\.\d{3}){4}\n/);
  expect(table.stdout).toMatch(/macro mean, "other" types( +\d\.\d{3}){4}\n/);
  for (const system of ['retriever', 'tap, no head', 'BM25', 'hybrid']) {
    expect(table.stdout.match(new RegExp(`^  ${system}( +\\d\\.\\d{3}){6}$`, 'gm'))).toHaveLength(2);
  }
  expect(table.stdout).toMatch(/^ {2}in this data set +30( +\d+\.\d{3}){6}$/m);
  expect(table.stdout).toMatch(/^ {2}nothing of the type: \d+ documents? above it in the median$/m);
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

const text = 'Etna smokes, Vesuvius sleeps, a volcano each.';
const silver = [
  { id: 'etna', text, mentions: [{ start: 0, end: 4, types: ['volcano', 'stratovolcano'] }] },
  { id: 'seine', text: 'The Seine flows.', mentions: [{ start: 4, end: 9, types: ['river\u001b[31m'] }] },
  { id: 'none', text: 'Nothing at all.', mentions: [] },
];

test.each([
  ['fewnerd', ['few-nerd-invented.txt'], { documents: 4, mentions: { embedded: 7 } }],
  [
    'neretrieve',
    ['neretrieve-invented-corpus.jsonl.bz2', 'neretrieve-invented-labels.jsonl.bz2'],
    { documents: 2, mentions: { embedded: 5 } },
  ],
  ['conll', ['wnut17-test-excerpt.conll'], { documents: 18, mentions: { embedded: 20 } }],
])('eval %s --json', async (dataset, files, expected) => {
  const { code, stdout, stderr } = await runCommand([
    ...['eval', dataset, ...files.map(fixture)],
    ...['--model', tinyModel, '--json'],
  ]);
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({ dataset, ...expected });
});

test.each(['jsonl', 'silver'])("eval %s --json: types of one's own beside the tap and BM25", async (dataset) => {
  const corpus = await lines('silver.jsonl', silver);
  const { code, stdout, stderr } = await runCommand(['eval', dataset, corpus, '--model', tinyModel, '--json']);
  expect([code, stderr]).toEqual([0, '']);
  const report = JSON.parse(stdout) as EvaluationReport;
  expect(report).toMatchObject({ dataset, documents: 3, mentions: { embedded: 2, skipped: 0 } });
  expect(report.types.map(({ query, relevant, rPrecision }) => [query, relevant, rPrecision.bm25])).toEqual([
    ['river\u001b[31m', 1, 0],
    ['stratovolcano', 1, 0],
    ['volcano', 1, 1],
  ]);
  expect(report.systems.map(({ system, macroOther }) => [system, macroOther])).toEqual([
    ['retriever', null],
    ['tap-without-head', null],
    ['bm25', null],
    ['hybrid', null],
  ]);
  expect(report.systems[2]?.macro).toBeCloseTo(1 / 3, 10);
});

test('as a table: no row of "other" types, no control character of a type\'s name', async () => {
  const corpus = await lines('table.jsonl', silver);
  const { code, stdout } = await runCommand(['eval', 'silver', corpus, '--model', tinyModel]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {2}river\u241b\[31m +1( +\d\.\d{3}){4}$/m);
  expect(stdout).toMatch(/macro mean( +\d\.\d{3}){2} +0\.333 +\d\.\d{3}\n/);
  expect(stdout).not.toContain('other');
});

test("a data set of one's own is refused whole, its malformed line named", async () => {
  const corpus = await lines('broken.jsonl', [...silver, { id: 'etna', text, mentions: [] }]);
  const outcome = await runCommand(['eval', 'silver', corpus, '--model', tinyModel]);
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toContain(`${corpus}:4: expected an id of its own`);
});

test('a data set without a type has nothing to measure, and says so', async () => {
  const corpus = await lines('typeless.jsonl', [{ id: 'a', text, mentions: [] }]);
  const { code, stdout } = await runCommand(['eval', 'silver', corpus, '--model', tinyModel]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/macro mean +–( +–)+\n/);
});

async function detection(...words: string[]): Promise<DetectionReport> {
  const { code, stdout, stderr } = await runCommand(['eval', 'detection', ...words, '--model', tinyModel, '--json']);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as DetectionReport;
}

test('eval detection --json: detected mentions against those of the data set', async () => {
  expect(await detection('multiconer2', excerpt)).toMatchObject({
    dataset: 'multiconer2',
    documents: 39,
    mentions: { gold: 87 },
  });

  const every = await detection('wnut17', tweets, '--threshold', '0');
  expect(every).toMatchObject({ dataset: 'wnut17', documents: 18, threshold: 0, mentions: { gold: 20 } });
  const { exact, fuzzyRecall, mentions } = every;
  expect((exact.recall as number) * mentions.gold).toBeCloseTo((exact.precision as number) * mentions.detected, 10);
  expect(fuzzyRecall).toBeGreaterThan(exact.recall as number);

  const none = await detection('wnut17', tweets, '--threshold', '1');
  expect(none).toMatchObject({ threshold: 1, mentions: { gold: 20, detected: 0 }, fuzzyRecall: 0 });
  expect(none.exact).toEqual({ precision: null, recall: 0, f1: 0 });
});

test('eval detection reads any CoNLL file, and Few-NERD', async () => {
  const { dataset, ...wnut17 } = await detection('wnut17', tweets);
  const { elapsedMs, ...conll } = await detection('conll', tweets);
  expect([dataset, conll]).toEqual(['wnut17', { ...wnut17, dataset: 'conll', elapsedMs: undefined }]);
  expect(elapsedMs).toBeGreaterThan(0);
  expect(await detection('fewnerd', fixture('few-nerd-invented.txt'))).toMatchObject({
    documents: 4,
    mentions: { gold: 7 },
  });
});

test('eval detection as a table', async () => {
  const { code, stdout, stderr } = await runCommand(['eval', 'detection', 'wnut17', tweets, '--model', tinyModel]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^ {2}mentions +20 of the data set, \d+ detected$/m);
  for (const title of ['fuzzy recall', 'exact precision', 'exact recall', 'exact F1']) {
    expect(stdout).toMatch(new RegExp(`^  ${title} +[01]\\.\\d{3}$`, 'm'));
  }
  expect(stdout).toMatch(/^ {2}words a mention +\d+\.\d\d detected, \d\.\d\d in the data set: \d+\.\d\d times$/m);
});

test('eval detection names a malformed line, and a threshold out of range', async () => {
  const broken = await file('broken.conll', 'fine\tO\n\nEtna\tB-volcano\n');
  const malformed = await runCommand(['eval', 'detection', 'wnut17', broken, '--model', tinyModel]);
  expect(malformed).toMatchObject({ code: 1, stdout: '' });
  expect(malformed.stderr).toContain(`${broken}:3: expected the tag O`);
  const beyond = await runCommand(['eval', 'detection', 'wnut17', tweets, '--model', tinyModel, '--threshold', '1.5']);
  expect(beyond).toMatchObject({ code: 2, stdout: '' });
  expect(beyond.stderr).toContain('a number from 0 to 1 for threshold');
});

test('eval --report: a page with plots beside the table, with the command that made it', async () => {
  const page = path('page.html');
  const words = ['eval', 'multiconer2', excerpt, '--model', tinyModel, '--report', page];
  const { code, stdout, stderr } = await runCommand(words);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/macro mean( +\d\.\d{3}){4}\n/);
  const html = await readFile(page, 'utf8');
  expect(html).toContain('<h1>multiconer2</h1>');
  expect(html).toContain(`<code>ner-retriever ${words.join(' ')}</code>`);
  expect(html.match(/<polyline /g)).toHaveLength(4);
});

test('eval --report: what cannot be written is refused before anything runs', async () => {
  const words = ['eval', 'multiconer2', 'no-such-file', '--model', tinyModel, '--report'];
  const folder = await runCommand([...words, path('')]);
  expect(folder).toMatchObject({ code: 1, stderr: expect.stringContaining('it is a folder; name a file') });
  const nowhere = await runCommand([...words, path('no-such-folder/page.html')]);
  expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no such folder') });
  const detector = await runCommand(['eval', 'detection', 'wnut17', tweets, '--report', path('page.html')]);
  expect(detector).toMatchObject({ code: 2, stderr: expect.stringContaining('detection or --report') });
});
