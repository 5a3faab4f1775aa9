import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readGoldenArray } from '../../../../test/golden/graphs/read-golden-array.js';
import { graphFolder } from '../../../../test/golden/graphs/stories260k.js';
import type { TapKind } from './blocks/tap.js';
import { chooseTap } from './choose-tap.js';
import { cutGraph } from './cut/cut-graph.js';
import { modelParts } from './cut/model-parts.js';
import { placeWeights } from './cut/place-weights.js';
import { writeParts } from './cut/write-parts.js';
import { GraphView } from './onnx/graph-view.js';
import { openOnnx } from './open-onnx.js';

/**
 * Families of transformers with random weights, as PyTorch's exporters and ONNX Runtime's optimizer write them: each tap of each
 * block against PyTorch in float64, every sequence alone and all of them in one padded batch.
 */
interface Golden {
  readonly blocks: number;
  readonly taps: { readonly columns: { readonly [kind in TapKind]?: readonly [begin: number, end: number] } };
  readonly sequences: readonly { readonly tokens: readonly number[]; readonly row: number }[];
}

const graphs = readdirSync(graphFolder('.'))
  .map((name) => ({ name, family: name.replace(/-(torchscript|dynamo|fused|opset23)$/, '') }))
  .filter(({ name, family }) => name !== family && !family.startsWith('stories260k'));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'families-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('there are graphs of all the families that are named', () => {
  const families = new Set(graphs.map(({ family }) => family));
  for (const family of ['bert', 'roberta', 'modernbert', 't5', 'gpt2', 'qwen2', 'mistral', 'gemma2', 'phi', 'phi3']) {
    expect(families).toContain(family);
  }
});

describe.each(graphs)('$name', ({ name, family }) => {
  const golden: Golden = JSON.parse(readFileSync(graphFolder(`${family}/golden.json`), 'utf8'));
  const { shape, data } = readGoldenArray(graphFolder(`${family}/taps.npy`));
  const [, rows = 0, columns = 0] = shape;
  const kinds = Object.keys(golden.taps.columns) as TapKind[];

  test.each(kinds)('%s of every block', async (kind) => {
    const [begin, end] = golden.taps.columns[kind] as readonly [number, number];
    for (let block = 0; block < golden.blocks; block++) {
      const session = await cutSession(name, block, kind);
      for (const texts of [...golden.sequences.map((sequence) => [sequence]), golden.sequences]) {
        const { tap, tokens } = await run(session, name, texts);
        expect(tap.length / (texts.length * tokens)).toBe(end - begin);
        for (const [i, { tokens: ids, row }] of texts.entries()) {
          for (let token = 0; token < ids.length; token++) {
            const at = (i * tokens + token) * (end - begin);
            const expected = (block * rows + row + token) * columns;
            for (let column = begin; column < end; column++) {
              const error = Math.abs((tap[at + column - begin] as number) - (data[expected + column] as number));
              if (!(error < 1e-5))
                expect.fail(`block ${block}, text ${i} of ${texts.length}, token ${token}: off by ${error}`);
            }
          }
        }
      }
      await session.release();
    }
  });
});

async function cutSession(name: string, block: number, kind: TapKind): Promise<InferenceSession> {
  const file = ['model.onnx', 'onnx/model.onnx']
    .map((path) => graphFolder(`${name}/${path}`))
    .find(existsSync) as string;
  const config = configOf(name);
  const model = openOnnx(file);
  const view = new GraphView(model);
  const cut = cutGraph(model, view, [chooseTap(view, file, { block, kind })], {
    heads: config.num_key_value_heads ?? config.num_attention_heads ?? config.n_head ?? null,
    width: config.head_dim ?? null,
  });
  const directory = mkdtempSync(join(folder, `${name}-`));
  const weights = await placeWeights(model, cut.weights, 'encoder.onnx.data');
  const path = join(directory, 'encoder.onnx');
  await writeParts(path, modelParts(model, cut, [...cut.tensors, ...weights.tensors]), () => {});
  if (weights.data.length > 0) await writeParts(join(directory, 'encoder.onnx.data'), weights.data, () => {});
  return InferenceSession.create(path, { logSeverityLevel: 3 });
}

async function run(session: InferenceSession, name: string, texts: Golden['sequences']) {
  const tokens = Math.max(...texts.map((text) => text.tokens.length));
  const padding = BigInt(configOf(name).pad_token_id ?? 0);
  const ids = new BigInt64Array(texts.length * tokens).fill(padding);
  const mask = new BigInt64Array(texts.length * tokens);
  for (const [i, text] of texts.entries()) {
    ids.set(text.tokens.map(BigInt), i * tokens);
    mask.fill(1n, i * tokens, i * tokens + text.tokens.length);
  }
  const dims = [texts.length, tokens];
  const { tap } = await session.run({
    input_ids: new Tensor('int64', ids, dims),
    attention_mask: new Tensor('int64', mask, dims),
  });
  return { tap: tap?.data as Float32Array, tokens };
}

function configOf(name: string): { readonly [key: string]: number | null | undefined } {
  return JSON.parse(readFileSync(graphFolder(`${name}/config.json`), 'utf8'));
}
