import { beforeAll, describe, expect, test } from 'vitest';
import { emulatedCuda, useEmulatedCuda } from '../../../test/support/emulated-cuda.mjs';
import { runCommand } from '../test-support/run-command.js';
import { documentOf, tinyModel, workspace } from '../test-support/workspace.js';

const isEmulated = useEmulatedCuda();
/** Of a machine that has no CUDA library and, as far as this one has none, no driver. */
const withoutCuda = { environment: { NER_RETRIEVER_CUDA_LIBRARY: '/none/ner_retriever_cuda.so' } };
const withCuda = { environment: { NER_RETRIEVER_CUDA_LIBRARY: emulatedCuda ?? '' } };

const { path, lines } = workspace();
let documents: string;
let index: string;

beforeAll(async () => {
  documents = await lines(
    'documents.jsonl',
    ['Microraptor', 'Liaoning', 'Xu Xing', 'Toyota', 'Verdi'].map((name, place) =>
      documentOf(`d${place}`, `${name} is named here, and Danube too.`, name, 'Danube'),
    ),
  );
  index = path('documents.index');
  const { code, stderr } = await runCommand(['index', documents, '--index', index, '--model', tinyModel]);
  expect(stderr).toContain('5 documents added');
  expect(code).toBe(0);
});

test('another device is refused by name', async () => {
  const { code, stderr } = await runCommand(['search', 'river', '--index', index, '--device', 'gpu']);
  expect(stderr).toContain('Expected auto or cpu or cuda for --device, but received "gpu"');
  expect(code).toBe(2);
});

describe('without a GPU', () => {
  test.each([
    ['embed', 'the encoder', () => ['embed', documents, '--model', tinyModel, '--out', path('none.npy')]],
    ['index', 'the encoder', () => ['index', documents, '--model', tinyModel, '--index', path('none.index')]],
    ['search', 'the search', () => ['search', 'river', '--index', index]],
  ])('%s --device cuda is an error that says why and what to do', async (_, what, words) => {
    const { code, stdout, stderr } = await runCommand([...words(), '--device', 'cuda'], withoutCuda);
    expect(stderr).toContain(`The device "cuda" cannot be used for ${what}: NER_RETRIEVER_CUDA_LIBRARY names`);
    expect(stderr).toContain('"ner-retriever doctor" says');
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  test('head train --device cuda says it before the documents are read', async () => {
    const labelled = await lines('labelled.jsonl', [
      { id: 'a', text: 'Rome', mentions: [{ start: 0, end: 4, types: ['city'] }] },
    ]);
    const words = ['head', 'train', 'jsonl', labelled, '--model', tinyModel, '--out', path('h.safetensors')];
    const { code, stderr } = await runCommand([...words, '--device', 'cuda'], withoutCuda);
    expect(stderr).toContain('The device "cuda" cannot be used for the training: NER_RETRIEVER_CUDA_LIBRARY names');
    expect(code).toBe(1);
  });

  test('auto takes the CPU without a word, and with --verbose says why', async () => {
    const words = ['search', 'river', '--index', index, '--jsonl'];
    const silent = await runCommand(words, withoutCuda);
    const told = await runCommand([...words, '--verbose'], withoutCuda);
    expect(silent.stderr).toBe('');
    expect(told.stderr).toBe(
      'search: cpu (the index is small: a GPU would not pay)\nencoder: cpu (it reads type descriptions alone)\n',
    );
    expect(told.stdout).toBe(silent.stdout);
    const embedded = await runCommand(
      ['embed', documents, '--model', tinyModel, '--out', path('v.npy'), '--verbose'],
      withoutCuda,
    );
    expect(embedded.stderr).toMatch(/^encoder: cpu \(NER_RETRIEVER_CUDA_LIBRARY names/);
  });

  test('doctor says that nothing of it is needed, and how to have it', async () => {
    const { stdout } = await runCommand(['doctor'], withoutCuda);
    expect(stdout).toMatch(/^absent {2}CUDA library {3}not needed: the CPU does all of it\./m);
    expect(stdout).toMatch(/^(absent|ok) +NVIDIA driver {2}\S/m);
    expect(stdout).not.toMatch(/^\w+ +GPU /m);
    expect(stdout).toMatch(/^absent {2}ONNX on a GPU {2}.*\n +To have it, .*ONNXRUNTIME_NODE_INSTALL=cuda12 node /m);
  });
});

describe.runIf(isEmulated)('with a GPU (emulated)', () => {
  test.each(['--limit=3', '--all'])('search %s gives the same answers as on the CPU', async (how) => {
    const words = ['search', 'river', '--index', index, '--jsonl', how, '--device'];
    const [cpu, cuda] = await Promise.all([
      runCommand([...words, 'cpu'], withCuda),
      runCommand([...words, 'cuda'], withCuda),
    ]);
    expect(cuda).toEqual(cpu);
    expect(cpu.stdout.split('\n').length).toBeGreaterThan(3);
  });

  test('--verbose names it', async () => {
    const { stderr } = await runCommand(
      ['search', 'river', '--index', index, '--device', 'cuda', '--verbose'],
      withCuda,
    );
    expect(stderr).toMatch(/^search: cuda \(.+\)\nencoder: cpu \(it reads type descriptions alone\)\n$/);
  });

  test('head train does its steps there', async () => {
    const names = ['apple', 'bread', 'hammer', 'saw', 'otter', 'heron'];
    const documents = names.flatMap((name, place) =>
      Array.from({ length: 6 }, (_, i) => {
        const mention = { start: 5, end: 5 + name.length, types: [['food', 'tool', 'animal'][place >> 1]] };
        return { id: `${name} ${i}`, text: `Here ${name} stood in sentence ${i}.`, mentions: [mention] };
      }),
    );
    const words = ['head', 'train', 'jsonl', await lines('train.jsonl', documents), '--model', tinyModel];
    const small = ['--hidden', '8', '--dimensions', '4', '--epochs', '1', '--out', path('h.safetensors')];
    const trained = await runCommand([...words, ...small, '--device', 'cuda', '--verbose'], withCuda);
    expect(trained.stderr).toMatch(/^training: cuda \(.+\)\nencoder: cpu \(/m);
    expect(trained.code).toBe(0);
  });

  test('doctor says what it is, and that it computes right', async () => {
    const { stdout, code } = await runCommand(['doctor'], withCuda);
    expect(stdout).toMatch(/^ok {6}CUDA library {3}\S/m);
    expect(stdout).toMatch(/^ok {6}GPU +\S.* of memory, .* free, compute capability .*; computes and searches right/m);
    expect(stdout).toMatch(/^(ok|absent) +cuBLAS +\S/m);
    expect(code).toBe(/^broken/m.test(stdout) ? 1 : 0);
  });

  test('a driver without a GPU is said, and is not broken', async () => {
    const environment = { ...withCuda.environment, NER_RETRIEVER_EMULATED_DEVICES: '0' };
    const { stdout } = await runCommand(['doctor'], { environment });
    expect(stdout).toMatch(/^absent {2}GPU +cannot be used, so that the CPU does all of it: .*\n +nvidia-smi says/m);
    const searched = await runCommand(['search', 'river', '--index', index, '--device', 'cuda'], { environment });
    expect(searched.stderr).toContain('cannot be used for the search: the GPU cannot be used: ');
    expect(searched.code).toBe(1);
  });
});
