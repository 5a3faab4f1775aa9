import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inspectModel } from './inspect-model.js';
import { readOnnxModel } from './model/onnx/read-onnx-model.js';
import { type PrepareModelOptions, prepareModel } from './prepare-model.js';

const graphs = fileURLToPath(new URL('../../../test/fixtures/graphs/', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prepare-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A copy of a source that may be spoilt. */
function copied(name: string): { directory: string; graph: string } {
  const directory = join(folder, name);
  cpSync(join(graphs, name), directory, { recursive: true });
  const graph = ['model.onnx', 'onnx/model.onnx'].map((path) => join(directory, path)).find(existsSync) as string;
  return { directory, graph };
}

const prepared = (source: string, options: Partial<PrepareModelOptions> = {}) =>
  prepareModel(source, { block: 2, out: join(folder, 'out'), ...options });

/** Replaces bytes of a file by as many others, wherever they stand. */
function replaced(path: string, from: string, to: string): void {
  const [bytes, before, after] = [readFileSync(path), Buffer.from(from), Buffer.from(to)];
  expect(after).toHaveLength(before.length);
  let count = 0;
  for (let at = bytes.indexOf(before); at >= 0; at = bytes.indexOf(before, at + 1), count++) after.copy(bytes, at);
  expect(count).toBeGreaterThan(0);
  writeFileSync(path, bytes);
}

describe('a prepared folder', () => {
  test('is described, and made whole or not at all', async () => {
    const { directory, description } = await prepared(join(graphs, 'stories260k-dynamo'));
    expect(description).toMatchObject({
      tap: { block: 2, tensor: 'value', dimensions: 32 },
      dimensions: 32,
      maximumTokens: 512,
    });
    expect(readdirSync(directory).sort()).toEqual([
      'encoder.onnx',
      'encoder.onnx.data',
      'model.json',
      'tokenizer.json',
    ]);
    const { graph } = readOnnxModel(join(directory, 'encoder.onnx'));
    expect(graph.inputs.map(({ name }) => name)).toEqual(['input_ids', 'attention_mask']);
    expect(graph.outputs.map(({ name }) => name)).toEqual(['tap']);
    expect(graph.nodes.some(({ name }) => /layers\.[34]/.test(name))).toBe(false);
  });

  test("takes GenAI's own configuration where there is no other", async () => {
    const { directory } = copied('stories260k-genai');
    const whole = await prepared(directory);
    rmSync(join(directory, 'config.json'));
    const { description } = await prepared(directory, { out: join(folder, 'again') });
    expect(description.files).toEqual(whole.description.files);
    expect(description.maximumTokens).toBe(whole.description.maximumTokens);
  });

  test('takes a tensor by its name', async () => {
    const tapTensor = '/model/layers.1/mlp/gate_proj/MatMul_output_0';
    const { description } = await prepared(join(graphs, 'stories260k-torchscript'), { block: 1, tapTensor });
    expect(description.tap).toEqual({ block: 1, tensor: tapTensor, dimensions: 172 });
  });

  test('is found by names where nothing attends in a known way', async () => {
    const { directory, graph } = copied('stories260k-torchscript');
    const whole = await prepared(directory, { block: 0 });
    replaced(graph, '"\u0007Softmax', '"\u0007Hardmax');
    const { description } = await prepared(directory, { block: 0, out: join(folder, 'named') });
    // What lies before the first attention is the same.
    expect(description.files).toEqual(whole.description.files);
    await expect(prepared(directory, { block: 0, tap: 'hidden', out: join(folder, 'none') })).rejects.toMatchObject({
      code: 'MODEL_BLOCK_MISSING',
      message: expect.stringContaining('one of query, key, value'),
    });
  });

  test('leaves nothing behind where it was stopped', async () => {
    const stop = new AbortController();
    const source = join(graphs, 'stories260k-dynamo');
    const run = prepared(source, { signal: stop.signal, onProgress: () => stop.abort(new Error('stopped')) });
    await expect(run).rejects.toThrow('stopped');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is not written over', async () => {
    await prepared(join(graphs, 'stories260k-dynamo'));
    await expect(prepared(join(graphs, 'stories260k-dynamo'))).rejects.toMatchObject({ code: 'MODEL_FOLDER_TAKEN' });
  });
});

describe('what is wrong with a source is said', () => {
  test.each(['config.json', 'tokenizer.json', 'model.onnx'])('no %s', async (file) => {
    const { directory } = copied('stories260k-dynamo');
    rmSync(join(directory, file));
    await expect(prepared(directory)).rejects.toMatchObject({
      code: 'MODEL_SOURCE_INCOMPLETE',
      message: expect.stringContaining(file),
    });
  });

  test('no such folder', async () => {
    await expect(prepared(join(folder, 'none'))).rejects.toMatchObject({ code: 'MODEL_SOURCE_INCOMPLETE' });
  });

  test('a file of weights that is missing, or too short', async () => {
    const { directory } = copied('stories260k-dynamo');
    const data = join(directory, 'model.onnx.data');
    truncateSync(data, 1000);
    await expect(prepared(directory)).rejects.toMatchObject({
      code: 'MODEL_WEIGHTS_MISSING',
      message: expect.stringMatching(/model\.onnx\.data.*1000 bytes/),
    });
    rmSync(data);
    await expect(prepared(directory)).rejects.toMatchObject({
      code: 'MODEL_WEIGHTS_MISSING',
      details: expect.objectContaining({ file: data }),
    });
  });

  test.each(['../../etc/passw', '/etc/passwd/xyz', 'C:\\model.onnx..'])(
    'weights that leave the folder: %s',
    async (location) => {
      const { directory, graph } = copied('stories260k-dynamo');
      replaced(graph, 'model.onnx.data', location);
      await expect(prepared(directory)).rejects.toMatchObject({
        code: 'MODEL_GRAPH_BROKEN',
        details: expect.objectContaining({ received: JSON.stringify(location) }),
      });
    },
  );

  test('a graph that ends too soon, wherever it ends', async () => {
    const { directory, graph } = copied('stories260k-genai');
    const whole = readFileSync(graph);
    for (let length = whole.length - 1; length > 0; length -= Math.ceil(whole.length / 200)) {
      truncateSync(graph, length);
      await expect(prepared(directory)).rejects.toMatchObject({ code: 'MODEL_GRAPH_BROKEN' });
    }
  });

  test('bytes that lie never do more than fail', async () => {
    const { directory, graph } = copied('stories260k-genai');
    const whole = readFileSync(graph);
    let refused = 0;
    for (let i = 0; i < 300; i++) {
      const bytes = Buffer.from(whole);
      const at = (i * 7919) % bytes.length;
      bytes[at] = (bytes[at] as number) ^ (1 << (i % 8));
      writeFileSync(graph, bytes);
      // Whatever it is, it is one of ours: no crash, no allocation without bound, no other error.
      const outcome = await inspectModel(directory).catch((error) => error);
      if (outcome instanceof Error) {
        expect(outcome).toHaveProperty('code', expect.stringMatching(/^MODEL_/));
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(10);
  });

  test('an opset that ONNX Runtime does not know', async () => {
    const { directory, graph } = copied('stories260k-torchscript');
    const bytes = readFileSync(graph);
    // OperatorSetIdProto { version: 17 } as the model's own field 8.
    const at = bytes.lastIndexOf(Buffer.of(0x10, 17));
    expect(at).toBeGreaterThan(0);
    bytes[at + 1] = 99;
    writeFileSync(graph, bytes);
    await expect(prepared(directory)).rejects.toMatchObject({
      code: 'MODEL_GRAPH_REFUSED',
      message: expect.stringMatching(/opset 99/i),
    });
  });

  test('an operator that ONNX Runtime does not know', async () => {
    const { directory, graph } = copied('stories260k-torchscript');
    replaced(graph, '"\u0007Sigmoid', '"\u0007Sigmund');
    await expect(prepared(directory)).rejects.toMatchObject({
      code: 'MODEL_GRAPH_REFUSED',
      message: expect.stringContaining('Sigmund'),
    });
  });

  test('no such block, no such tensor', async () => {
    const source = join(graphs, 'stories260k-torchscript');
    await expect(prepared(source, { block: 5 })).rejects.toMatchObject({
      code: 'MODEL_BLOCK_MISSING',
      message: expect.stringContaining('a block from 0 to 4'),
    });
    await expect(prepared(source, { tapTensor: 'v_proj' })).rejects.toMatchObject({ code: 'MODEL_TENSOR_MISSING' });
  });

  test('a tap that can be two tensors', async () => {
    const { directory, graph } = copied('stories260k-torchscript');
    // A block that attends twice, as a decoder does that looks at an encoder as well.
    replaced(graph, '/model/layers.3/self_attn', '/model/layers.2/zelf_attn');
    await expect(prepared(directory)).rejects.toMatchObject({
      code: 'MODEL_TAP_AMBIGUOUS',
      message: expect.stringMatching(/self_attn\/v_proj.*zelf_attn\/v_proj.*--tap-tensor/),
    });
  });

  test('a tensor that is not one vector a token', async () => {
    const tapTensor = '/model/layers.0/self_attn/Transpose_1_output_0';
    await expect(prepared(join(graphs, 'stories260k-torchscript'), { tapTensor })).rejects.toMatchObject({
      code: 'MODEL_TAP_UNUSABLE',
      message: expect.stringContaining('4 axes'),
    });
  });

  test('a tokenizer of another model', async () => {
    const { directory } = copied('stories260k-dynamo');
    const path = join(directory, 'tokenizer.json');
    const tokenizer = JSON.parse(readFileSync(path, 'utf8'));
    tokenizer.model.vocab['an extra word'] = 512;
    writeFileSync(path, JSON.stringify(tokenizer));
    await expect(prepared(directory)).rejects.toMatchObject({
      code: 'MODEL_TOKENIZER_MISMATCH',
      details: expect.objectContaining({ expected: 512, received: 512 }),
    });
  });

  test('a head of other dimensions', async () => {
    const head = fileURLToPath(new URL('../../../test/golden/heads/head.safetensors', import.meta.url));
    await expect(prepared(join(graphs, 'stories260k-dynamo'), { head })).rejects.toMatchObject({
      code: 'DIMENSIONS_DIFFER',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('an option that is misspelled', async () => {
    const misspelled = { tapp: 'key' } as Partial<PrepareModelOptions>;
    await expect(prepared(join(graphs, 'stories260k-dynamo'), misspelled)).rejects.toMatchObject({
      code: 'OPTION_UNKNOWN',
    });
  });
});

test('a graph is named by its own path, too', async () => {
  const { graph } = copied('stories260k-torchscript');
  expect(basename(dirname(graph))).toBe('onnx');
  const { description } = await prepared(graph, { name: 'tiny' });
  expect(description.name).toBe('tiny');
});
