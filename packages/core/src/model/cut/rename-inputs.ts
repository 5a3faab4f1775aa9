import { FileBytes } from '../onnx/byte-source.js';
import type { OnnxNode } from '../onnx/onnx-model.js';
import { protobufFields } from '../onnx/protobuf-fields.js';
import { ProtobufWriter } from '../onnx/protobuf-writer.js';

/** The nodes of the graph file at `path`, those that take a renamed value rewritten. */
export function renameInputs(
  path: string,
  nodes: readonly OnnxNode[],
  renamed: ReadonlyMap<string, string>,
): readonly OnnxNode[] {
  if (renamed.size === 0) return nodes;
  using source = new FileBytes(path);
  return nodes.map((node) => {
    if (!node.inputs.some((input) => renamed.has(input)) || node.bytes instanceof Uint8Array) return node;
    const inputs = node.inputs.map((input) => renamed.get(input) ?? input);
    const message = new ProtobufWriter();
    for (const input of inputs) message.text(1, input);
    for (const { number, begin, end } of protobufFields(source, node.bytes.begin, node.bytes.end)) {
      if (number !== 1) message.verbatim(source.read(begin, end - begin).slice());
    }
    return { ...node, inputs, bytes: message.finish() };
  });
}
