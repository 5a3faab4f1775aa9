import { elementTypes } from '../onnx/element-type.js';
import type { OnnxModel } from '../onnx/onnx-model.js';
import { encodeVarint, ProtobufWriter } from '../onnx/protobuf-writer.js';
import { type CutGraph, tapOutput } from './cut-graph.js';
import { lengthOf, type Part } from './part.js';
import { maskInput, tokenInput } from './stand-ins.js';

/** A graph's input beside the tokens and their mask. */
export interface FurtherInput {
  readonly name: string;
  readonly dataType: number;
  readonly shape: readonly number[];
}

/** The whole ModelProto of a cut graph, in order. `tensors` are its weights and constants, a TensorProto each. */
export function modelParts(
  model: OnnxModel,
  cut: CutGraph,
  tensors: readonly Part[],
  further: { readonly inputs: readonly FurtherInput[]; readonly output: string } | null = null,
): Part[] {
  const graph: Part[] = cut.nodes.flatMap(({ bytes }) => {
    if (bytes instanceof Uint8Array) return message(1, [bytes]);
    return message(1, [{ path: model.path, offset: bytes.begin, length: bytes.end - bytes.begin }]);
  });
  graph.push(new ProtobufWriter().text(2, 'encoder').finish());
  for (const tensor of tensors) graph.push(...message(5, [tensor]));
  const { int64, float32 } = elementTypes;
  for (const name of [tokenInput, maskInput])
    graph.push(...message(11, [valueInfo(name, int64.code, ['batch', 'tokens'])]));
  for (const { name, dataType, shape } of further?.inputs ?? [])
    graph.push(...message(11, [valueInfo(name, dataType, shape)]));
  graph.push(...message(12, [valueInfo(tapOutput, float32.code, ['batch', 'tokens', 'dimensions'])]));
  // Without a type: ONNX Runtime finds it.
  if (further !== null) graph.push(...message(12, [new ProtobufWriter().text(1, further.output).finish()]));

  const head = new ProtobufWriter().number(1, model.irVersion).text(2, 'ner-retriever');
  for (const [domain, version] of model.operatorSets) {
    head.bytes(8, new ProtobufWriter().text(1, domain).number(2, version).finish());
  }
  for (const bytes of model.functions) head.verbatim(bytes);
  return [head.finish(), ...message(7, graph)];
}

/** A field of bytes whose payload need not be in memory. */
function message(field: number, payload: readonly Part[]): Part[] {
  return [encodeVarint(field * 8 + 2), encodeVarint(lengthOf(payload)), ...payload];
}

function valueInfo(name: string, dataType: number, axes: readonly (string | number)[]): Uint8Array {
  const shape = new ProtobufWriter();
  for (const axis of axes) {
    const dimension = new ProtobufWriter();
    shape.bytes(1, (typeof axis === 'number' ? dimension.number(1, axis) : dimension.text(2, axis)).finish());
  }
  const tensor = new ProtobufWriter().number(1, dataType).bytes(2, shape.finish()).finish();
  return new ProtobufWriter().text(1, name).bytes(2, new ProtobufWriter().bytes(1, tensor).finish()).finish();
}
