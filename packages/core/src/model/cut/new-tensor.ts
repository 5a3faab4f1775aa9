import { elementTypes } from '../onnx/element-type.js';
import { ProtobufWriter } from '../onnx/protobuf-writer.js';

/** A vector of int64 as a TensorProto. */
export function newIntegers(name: string, values: readonly number[]): Uint8Array {
  const raw = Buffer.from(BigInt64Array.from(values, BigInt).buffer);
  return new ProtobufWriter()
    .number(1, values.length)
    .number(2, elementTypes.int64.code)
    .text(8, name)
    .bytes(9, raw)
    .finish();
}
