import { closeSync, cpSync, ftruncateSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { graphFolder } from '../../../../../test/golden/graphs/stories260k.js';
import { prepareModel } from '../../prepare-model.js';
import { elementTypes } from '../onnx/element-type.js';
import { encodeVarint, ProtobufWriter } from '../onnx/protobuf-writer.js';
import { newNode } from './new-node.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weights-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('weights within a graph of hundreds of megabytes are moved beside it', async () => {
  const [rows, columns] = [70_000, 1000];
  const source = join(folder, 'source');
  cpSync(graphFolder('stories260k-dynamo'), source, { recursive: true });
  writeLargeModel(join(source, 'model.onnx'), rows, columns);
  const out = join(folder, 'out');
  const { description, keptWeightBytes } = await prepareModel(source, { block: 0, tapTensor: 'rows', out });
  expect(keptWeightBytes).toBe(4 * rows * columns);
  expect(description.encoder.data).toEqual(['encoder.onnx.data']);
  expect(statSync(join(out, 'encoder.onnx')).size).toBeLessThan(2000);
  expect(statSync(join(out, 'encoder.onnx.data')).size).toBe(4 * rows * columns);
});

/** input_ids -> Gather(weight) -> rows. The weight is zeros and comes last, so that the file takes no room on disk. */
function writeLargeModel(path: string, rows: number, columns: number): void {
  const bytes = 4 * rows * columns;
  const node = newNode('Gather', ['weight', 'input_ids'], 'rows', { axis: 0 });
  const value = (name: string, type: number) => {
    const tensor = new ProtobufWriter().number(1, type).finish();
    return new ProtobufWriter().text(1, name).bytes(2, new ProtobufWriter().bytes(1, tensor).finish()).finish();
  };
  const axes = ['batch', 'tokens'].map((axis) => new ProtobufWriter().text(2, axis).finish());
  const shape = new ProtobufWriter()
    .bytes(1, axes[0] as Uint8Array)
    .bytes(1, axes[1] as Uint8Array)
    .finish();
  const ids = new ProtobufWriter().number(1, elementTypes.int64.code).bytes(2, shape).finish();
  const input = new ProtobufWriter()
    .text(1, 'input_ids')
    .bytes(2, new ProtobufWriter().bytes(1, ids).finish())
    .finish();
  const before = new ProtobufWriter()
    .bytes(1, node.bytes as Uint8Array)
    .bytes(11, input)
    .bytes(12, value('rows', elementTypes.float32.code))
    .finish();
  const tensor = Buffer.concat([
    new ProtobufWriter()
      .number(1, rows)
      .number(1, columns)
      .number(2, elementTypes.float32.code)
      .text(8, 'weight')
      .finish(),
    encodeVarint(9 * 8 + 2),
    encodeVarint(bytes),
  ]);
  const initializer = Buffer.concat([encodeVarint(5 * 8 + 2), encodeVarint(tensor.length + bytes), tensor]);
  const operators = new ProtobufWriter().text(1, '').number(2, 17).finish();
  const model = Buffer.concat([
    new ProtobufWriter().number(1, 8).bytes(8, operators).finish(),
    encodeVarint(7 * 8 + 2),
    encodeVarint(before.length + initializer.length + bytes),
    before,
    initializer,
  ]);
  const file = openSync(path, 'w');
  writeSync(file, model);
  ftruncateSync(file, model.length + bytes);
  closeSync(file);
}
