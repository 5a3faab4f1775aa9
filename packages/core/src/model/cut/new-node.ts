import type { OnnxNode } from '../onnx/onnx-model.js';
import { ProtobufWriter } from '../onnx/protobuf-writer.js';

/** A node that the source graph does not have; attributes are whole numbers. */
export function newNode(
  opType: string,
  inputs: readonly string[],
  output: string,
  attributes: { readonly [name: string]: number } = {},
): OnnxNode {
  const message = new ProtobufWriter();
  for (const input of inputs) message.text(1, input);
  message.text(2, output).text(3, output).text(4, opType);
  for (const [name, value] of Object.entries(attributes)) {
    const integer = 2;
    message.bytes(5, new ProtobufWriter().text(1, name).number(3, value).number(20, integer).finish());
  }
  return {
    name: output,
    opType,
    domain: '',
    inputs,
    outputs: [output],
    attributes: new Map(Object.entries(attributes)),
    scope: '',
    bytes: message.finish(),
  };
}
