import { dirname, join } from 'node:path';
import { FileBytes } from './byte-source.js';
import { elementType } from './element-type.js';
import type { OnnxTensor } from './onnx-model.js';
import { protobufFields, varint } from './protobuf-fields.js';

/** Shapes, axes and scales are small; anything larger is a weight, which nobody has to look into. */
const MOST_VALUES = 65_536;

/**
 * The values of a small tensor of the graph at `path`, as numbers; null where it is large, or of a type that no shape has.
 *
 * @throws RangeError where the values are not as many as the shape says.
 */
export function tensorValues(path: string, tensor: OnnxTensor): number[] | null {
  const count = tensor.dimensions.reduce((product, size) => product * size, 1);
  const type = elementType(tensor.dataType);
  if (count > MOST_VALUES || type === undefined) return null;
  if (tensor.data === null) return typedValues(path, tensor, count);
  const read = readers[type];
  if (read === undefined) return null;
  const { location, offset } = tensor.data;
  using source = new FileBytes(location === null ? path : join(dirname(path), location));
  const length = count * read.bytes;
  if (offset + length > source.length)
    throw new RangeError(`the values of ${JSON.stringify(tensor.name)} end too soon`);
  const bytes = source.read(offset, length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: count }, (_, i) => read.value(view, i * read.bytes));
}

const readers: {
  readonly [type: string]: { readonly bytes: number; readonly value: (view: DataView, at: number) => number };
} = {
  float32: { bytes: 4, value: (view, at) => view.getFloat32(at, true) },
  float64: { bytes: 8, value: (view, at) => view.getFloat64(at, true) },
  int32: { bytes: 4, value: (view, at) => view.getInt32(at, true) },
  int64: { bytes: 8, value: (view, at) => Number(view.getBigInt64(at, true)) },
  uint8: { bytes: 1, value: (view, at) => view.getUint8(at) },
  int8: { bytes: 1, value: (view, at) => view.getInt8(at) },
  bool: { bytes: 1, value: (view, at) => view.getUint8(at) },
};

/** Values in float_data (4), int32_data (5), int64_data (7) or double_data (10). */
function typedValues(path: string, { begin, end, name }: OnnxTensor, count: number): number[] {
  using source = new FileBytes(path);
  const values: number[] = [];
  for (const field of protobufFields(source, begin, end)) {
    if (field.number === 4 || field.number === 10) {
      const size = field.number === 4 ? 4 : 8;
      for (let at = field.payloadBegin; at + size <= field.end; at += size) {
        const bytes = source.read(at, size);
        const view = new DataView(bytes.buffer, bytes.byteOffset, size);
        values.push(size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true));
      }
    }
    if (field.number !== 5 && field.number !== 7) continue;
    if (!Number.isNaN(field.value)) values.push(field.value);
    else {
      for (let at = field.payloadBegin; at < field.end; ) {
        const [value, next] = varint(source, at, field.end);
        values.push(value);
        at = next;
      }
    }
  }
  if (values.length !== count) {
    throw new RangeError(`${values.length} values where the shape of ${JSON.stringify(name)} says ${count}`);
  }
  return values;
}
