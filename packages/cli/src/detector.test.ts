import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DetectionReport, EvaluationReport } from '@ner-retriever/core/evaluation';
import { expect, test } from 'vitest';
import { chatService, complete, reply } from '../../core/test-support/chat-service.js';
import { runCommand } from '../test-support/run-command.js';
import { documentOf, tinyModel, workspace } from '../test-support/workspace.js';

const { path, file, lines } = workspace();
const tweets = fileURLToPath(new URL('../../core/src/evaluation/fixtures/wnut17-test-excerpt.conll', import.meta.url));
const excerpt = fileURLToPath(
  new URL('../../core/src/evaluation/fixtures/multiconer2-en-excerpt.conll', import.meta.url),
);

const documents = [
  { id: 'a', text: 'Microraptor was found in Liaoning.' },
  { id: 'b', text: 'Nobody was there.' },
];

const found = (stdout: string) =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

test('detect --detector gazetteer: the names of a list, no model needed', async () => {
  const source = await lines('texts.jsonl', documents);
  const names = await file('names.txt', 'microraptor\nLiaoning\n');
  const { code, stdout, stderr } = await runCommand(['detect', source, '--detector', `gazetteer:${names}`]);
  expect([code, stderr]).toEqual([0, '']);
  expect(found(stdout)).toEqual([
    {
      id: 'a',
      mentions: [
        { start: 0, end: 11, text: 'Microraptor' },
        { start: 25, end: 33, text: 'Liaoning' },
      ],
    },
    { id: 'b', mentions: [] },
  ]);
});

test('detect --detector model: as without it', async () => {
  const source = await lines('same.jsonl', documents);
  const plain = await runCommand(['detect', source, '--model', tinyModel]);
  expect(plain.code).toBe(0);
  expect(await runCommand(['detect', source, '--model', tinyModel, '--detector', 'model'])).toEqual(plain);
});

test('detect --detector generative: marks of a chat model; what it does badly is told', async () => {
  await using service = await chatService(({ body }, response) => {
    const text = body.messages.find(
      ({ role, content }) => role === 'user' && documents.some((each) => each.text === content),
    );
    complete(
      response,
      text?.content.startsWith('Nobody')
        ? 'I see ##Nobody\u001b[31m here'
        : '##Microraptor## was found in ##Liaoning##.',
    );
  });
  const source = await lines('chat.jsonl', documents);
  const { code, stdout, stderr } = await runCommand(
    ['detect', source, '--detector', `generative:${service.url}`, '--detector-model', 'small'],
    { environment: { OPENAI_API_KEY: 'sk-test-4711' } },
  );
  expect(code).toBe(0);
  expect(found(stdout).map(({ mentions }) => mentions.map(({ text }: { text: string }) => text))).toEqual([
    ['Microraptor', 'Liaoning'],
    [],
  ]);
  expect(stderr).toBe(
    'warning: the chat model did not mark "Nobody was there." well, asked 3 times: it is no copy of the text, a mark without its partner, "see ##Nobody\\u001b[31m"; mentions that count all the same: 0\n',
  );
  expect(
    service.requests.every(
      ({ headers, body }) => headers.authorization === 'Bearer sk-test-4711' && body.model === 'small',
    ),
  ).toBe(true);
});

test('a key that is refused: what to do, and no key shown', async () => {
  await using service = await chatService(({ headers }, response) => {
    reply(response, 401, { error: { message: `wrong key ${headers.authorization ?? 'none'}` } });
  });
  const source = await lines('refused.jsonl', documents);
  const command = ['detect', source, '--detector', `generative:${service.url}`, '--detector-model', 'small'];
  const without = await runCommand(command, { environment: { OPENAI_API_KEY: '' } });
  expect(without).toMatchObject({ code: 1, stdout: '' });
  expect(without.stderr).toMatch(
    /it answered 401 Unauthorized \(wrong key none\)\. Put a valid key into .*OPENAI_API_KEY/,
  );

  const keyFile = await file('key', 'sk-of-file\n');
  const wrong = await runCommand([...command, '--detector-key-file', keyFile, '--verbose']);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('wrong key Bearer …');
  expect(wrong.stderr).not.toContain('sk-of-file');
});

test('index and embed --detector: its mentions are what is searched and embedded', async () => {
  const source = await lines('index.jsonl', [...documents, documentOf('c', 'Given is Oslo.', 'Oslo')]);
  const names = await file('species.txt', 'Microraptor\n');
  const detector = ['--model', tinyModel, '--detector', `gazetteer:${names}`];
  const index = path('species.index');
  const indexed = await runCommand(['index', source, '--index', index, ...detector]);
  expect(indexed.stderr).toContain('3 documents added');
  expect([indexed.code, indexed.stderr.includes('2 mentions')]).toEqual([0, true]);
  const { stdout } = await runCommand(['search', 'dinosaur', '--index', index, '--jsonl']);
  expect(
    found(stdout)
      .map(({ mention }) => mention.text)
      .toSorted(),
  ).toEqual(['Microraptor', 'Oslo']);

  // A list that has changed is another detector.
  const again = ['index', source, '--index', index, ...detector];
  expect((await runCommand(again)).stderr).toContain('0 documents added, 0 replaced, 3 unchanged');
  await file('species.txt', 'Microraptor\nLiaoning\n');
  expect((await runCommand(again)).stderr).toContain('0 documents added, 2 replaced, 1 unchanged');
  await file('species.txt', 'Microraptor\n');

  const out = path('species.npy');
  const embedded = await runCommand(['embed', source, '--out', out, ...detector]);
  expect(embedded.code).toBe(0);
  expect(embedded.stderr).toContain('2 rows');
});

test('eval --detector: any detector is measured, and named in the report', async () => {
  const names = await file('tweeted.txt', 'Srinagar\neurope\n');
  const measured = ['eval', 'detection', 'wnut17', tweets, '--detector', `gazetteer:${names}`];
  const { code, stdout, stderr } = await runCommand([...measured, '--json']);
  expect([code, stderr]).toEqual([0, '']);
  const report = JSON.parse(stdout) as DetectionReport;
  expect(report).toMatchObject({
    detector: 'gazetteer (tweeted.txt)',
    model: null,
    threshold: null,
    mentions: { gold: 20 },
  });
  expect(report.mentions.detected).toBeGreaterThan(0);
  expect(report.exact.precision).toBeGreaterThan(0);
  expect((await runCommand(measured)).stdout).toMatch(/^ {2}detector +gazetteer \(tweeted\.txt\)$/m);

  const retrieval = await runCommand([
    'eval',
    'multiconer2',
    excerpt,
    '--model',
    tinyModel,
    '--mentions',
    'detect',
    '--detector',
    `gazetteer:${names}`,
    '--json',
  ]);
  expect((JSON.parse(retrieval.stdout) as EvaluationReport).mentions).toMatchObject({
    from: 'detect',
    detector: 'gazetteer (tweeted.txt)',
  });
});

test.each([
  ['token-classification', 'bert-token-classifier', []],
  ['gliner', 'gliner-span', ['--labels', 'person, city']],
])('detect --detector %s: mentions with scores', async (kind, name, flags) => {
  const source = await lines('onnx.jsonl', [{ id: 'a', text: 'Angela Merkel met Barack Obama in Berlin.' }]);
  const folder = fileURLToPath(new URL(`../../../test/fixtures/detectors/${name}`, import.meta.url));
  const { code, stdout, stderr } = await runCommand(['detect', source, '--detector', `${kind}:${folder}`, ...flags]);
  expect([code, stderr]).toEqual([0, '']);
  const [{ mentions }] = found(stdout);
  expect(mentions.length).toBeGreaterThan(0);
  for (const { score } of mentions) expect(score).toBeGreaterThan(0);
});

test('bad lists and places are named', async () => {
  const source = await lines('bad.jsonl', documents);
  const broken = await file('broken.txt', Buffer.from([0x61, 0x0a, 0xff]));
  const notText = await runCommand(['detect', source, '--detector', `gazetteer:${broken}`]);
  expect(notText).toMatchObject({ code: 1, stdout: '' });
  expect(notText.stderr).toContain(`${broken}:2: expected UTF-8`);
  const index = path('never.index');
  const absent = await runCommand(['index', source, '--index', index, '--detector', 'gazetteer:absent.txt']);
  expect(absent.stderr).toContain('Cannot read "absent.txt": there is no such file');
  expect([absent.code, existsSync(index)]).toEqual([1, false]);
  const folder = await runCommand(['detect', source, '--detector', `transformers:${path('.')}`]);
  expect(folder).toMatchObject({ code: 1, stdout: '' });
  expect(folder.stderr).toContain('Name a folder with config.json');
});

test.each([
  [
    ['detect', 'a', '--detector', 'gazeteer:x'],
    /Expected --detector model or gazetteer:FILE or .*\(did you mean "gazetteer"\?\)/,
  ],
  [['detect', 'a', '--detector', 'gazetteer'], /Expected --detector gazetteer:FILE, but received "gazetteer"/],
  [['detect', 'a', '--detector', 'gazetteer:'], /Expected --detector gazetteer:FILE, but received "gazetteer:"/],
  [['detect', 'a', '--detector', 'model:x'], /Expected --detector model or/],
  [
    ['detect', 'a', '--detector', 'generative:http://x/v1'],
    /Expected --detector-model with --detector generative, but/,
  ],
  [
    ['detect', 'a', '--detector-model', 'm'],
    /Expected --detector-model with --detector generative, but received it with model/,
  ],
  [
    ['detect', 'a', '--detector', 'gazetteer:x', '--detector-key-file', 'k'],
    /--detector-key-file with --detector generative/,
  ],
  [['detect', 'a', '--detector', 'gazetteer:x', '--model', 'm'], /Expected --model or --detector, but received both/],
  [['detect', 'a', '--detector', 'generative:x', '--detector-model', 'm'], /Expected the http\(s\) address .* for url/],
  [
    ['index', 'a', '--index', 'x', '--mentions', 'given', '--detector', 'gazetteer:x'],
    /Expected --mentions given or --detector, but received both/,
  ],
  [
    ['embed', '--types', 'a', '--out', 'v', '--detector', 'gazetteer:x'],
    /Expected --types or --detector, but received both/,
  ],
  [
    ['eval', 'multiconer2', 'a', '--detector', 'gazetteer:x'],
    /Expected --mentions detect with --detector, but received none/,
  ],
  [
    ['eval', 'detection', 'wnut17', 'a', '--model', 'm', '--detector', 'gazetteer:x'],
    /--model or --detector, but received both/,
  ],
  [['detect', 'a', '--detector', 'gliner:x'], /Expected --labels A,B,C with --detector gliner, but received none/],
  [['detect', 'a', '--detector', 'gliner:x', '--labels', 'a,,b'], /Expected --labels A,B,C, but received "a,,b"/],
  [['detect', 'a', '--labels', 'a'], /Expected --labels with --detector gliner, but received it with model/],
] as const)('wrong usage: %j', async (words, message) => {
  const { code, stdout, stderr } = await runCommand(words);
  expect(stderr).toMatch(message);
  expect([code, stdout]).toEqual([2, '']);
});
