import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { goldenValue, graphFolder, rawRows, worstError } from '../../../../../test/golden/graphs/stories260k.js';
import { prepareModel } from '../../prepare-model.js';
import { bytesInMemory } from '../onnx/byte-source.js';
import { elementTypes } from '../onnx/element-type.js';
import { protobufFields } from '../onnx/protobuf-fields.js';
import { ProtobufWriter } from '../onnx/protobuf-writer.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'branches-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a decoder whose two graphs were merged into one is cut in the branch without a cache', async () => {
  const source = join(folder, 'source');
  cpSync(graphFolder('stories260k-torchscript'), source, { recursive: true });
  const path = join(source, 'onnx', 'model.onnx');
  writeFileSync(path, merged(readFileSync(path)));
  const { directory } = await prepareModel(source, { block: 1, out: join(folder, 'out') });
  expect(worstError(await rawRows(directory, 17), (row) => goldenValue(1, row))).toBeLessThan(1e-4);
});

/** As Optimum merges decoders: all nodes within `If(use_cache_branch)`, weights and inputs outside. */
function merged(model: Uint8Array): Uint8Array {
  const source = bytesInMemory(model);
  const [graph] = [...protobufFields(source)].filter(({ number }) => number === 7);
  if (graph === undefined) throw new Error('no graph');
  const fields = [...protobufFields(source, graph.payloadBegin, graph.end)];
  const verbatim = (writer: ProtobufWriter, ...numbers: number[]) => {
    for (const { number, begin, end } of fields)
      if (numbers.includes(number)) writer.verbatim(model.subarray(begin, end));
    return writer;
  };
  const [nodes, initializers, inputs] = [1, 5, 11];
  const float = new ProtobufWriter().number(1, elementTypes.float32.code).finish();
  const logits = new ProtobufWriter()
    .text(1, 'logits')
    .bytes(2, new ProtobufWriter().bytes(1, float).finish())
    .finish();
  const withoutCache = verbatim(new ProtobufWriter(), nodes).text(2, 'without').bytes(12, logits).finish();
  const weight = new ProtobufWriter().text(1, 'onnx::MatMul_0').text(2, 'logits').text(4, 'Identity').finish();
  const withCache = new ProtobufWriter().bytes(1, weight).text(2, 'with').bytes(12, logits).finish();
  const branch = (name: string, graphBytes: Uint8Array) =>
    new ProtobufWriter().text(1, name).bytes(6, graphBytes).number(20, 5).finish();
  const choice = new ProtobufWriter()
    .text(1, 'use_cache_branch')
    .text(2, 'logits')
    .text(4, 'If')
    .bytes(5, branch('then_branch', withCache))
    .bytes(5, branch('else_branch', withoutCache))
    .finish();
  const bool = new ProtobufWriter().number(1, elementTypes.bool.code).bytes(2, new Uint8Array()).finish();
  const condition = new ProtobufWriter()
    .text(1, 'use_cache_branch')
    .bytes(2, new ProtobufWriter().bytes(1, bool).finish());
  const outer = verbatim(new ProtobufWriter().bytes(1, choice).text(2, 'merged'), initializers, inputs)
    .bytes(11, condition.finish())
    .bytes(12, logits)
    .finish();
  const whole = new ProtobufWriter();
  for (const { number, begin, end } of protobufFields(source)) {
    if (number === 7) whole.bytes(7, outer);
    else whole.verbatim(model.subarray(begin, end));
  }
  return whole.finish();
}
