import { type ByteSource, FileBytes } from './byte-source.js';
import type { AttributeValue, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './onnx-model.js';
import { type ProtobufField, protobufFields, varint } from './protobuf-fields.js';

/**
 * Reads an ONNX file without its weights: operators, names, shapes, and where the values lie.
 *
 * @throws RangeError where the file is no protobuf that holds a graph: lengths that lie, nesting without end, an empty file.
 */
export function readOnnxModel(path: string): OnnxModel & { readonly bytesRead: number } {
  using source = new FileBytes(path);
  let irVersion = 0;
  let graph: OnnxGraph | undefined;
  const operatorSets = new Map<string, number>();
  const functions: Uint8Array[] = [];
  for (const field of protobufFields(source)) {
    if (field.number === 1) irVersion = field.value;
    if (field.number === 7) graph = readGraph(source, field.payloadBegin, field.end, 0);
    if (field.number === 8) {
      const [domain, version] = readOperatorSet(source, field);
      operatorSets.set(domain, version);
    }
    if (field.number === 25) functions.push(source.read(field.begin, field.end - field.begin).slice());
  }
  if (graph === undefined) throw new RangeError('no graph in it');
  return { path, irVersion, operatorSets, graph, functions, bytesRead: source.bytesRead };
}

/** A graph within a graph (a branch, a loop's body) nests at most so deep. */
const DEEPEST = 16;

function readGraph(source: ByteSource, begin: number, end: number, depth: number): OnnxGraph {
  if (depth > DEEPEST) throw new RangeError(`graphs nested deeper than ${DEEPEST}`);
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, OnnxTensor>();
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  for (const field of protobufFields(source, begin, end)) {
    if (field.number === 1) nodes.push(readNode(source, field, depth));
    if (field.number === 5) {
      const tensor = readTensor(source, field.payloadBegin, field.end);
      initializers.set(tensor.name, tensor);
    }
    if (field.number === 11) inputs.push(readValue(source, field));
    if (field.number === 12) outputs.push(readValue(source, field));
  }
  return { nodes, initializers, inputs: inputs.filter(({ name }) => !initializers.has(name)), outputs };
}

function readNode(source: ByteSource, { payloadBegin, end }: ProtobufField, depth: number): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, AttributeValue>();
  let name = '';
  let opType = '';
  let domain = '';
  let scope = '';
  for (const field of protobufFields(source, payloadBegin, end)) {
    if (field.number === 1) inputs.push(text(source, field));
    if (field.number === 2) outputs.push(text(source, field));
    if (field.number === 3) name = text(source, field);
    if (field.number === 4) opType = text(source, field);
    if (field.number === 5) {
      const [key, value] = readAttribute(source, field, depth);
      if (value !== undefined) attributes.set(key, value);
    }
    if (field.number === 7) domain = text(source, field);
    if (field.number === 9) {
      const [key, value] = readEntry(source, field);
      if (key === 'pkg.torch.onnx.name_scopes') scope = value;
    }
  }
  // ONNX's own domain has two names.
  if (domain === 'ai.onnx') domain = '';
  return {
    name,
    opType,
    domain,
    inputs,
    outputs,
    attributes,
    scope: scope || name,
    bytes: { begin: payloadBegin, end },
  };
}

function readAttribute(
  source: ByteSource,
  { payloadBegin, end }: ProtobufField,
  depth: number,
): [name: string, value: AttributeValue | undefined] {
  let name = '';
  let value: AttributeValue | undefined;
  const numbers: number[] = [];
  const texts: string[] = [];
  const graphs: OnnxGraph[] = [];
  for (const field of protobufFields(source, payloadBegin, end)) {
    if (field.number === 1) name = text(source, field);
    if (field.number === 2) value = float(source, field.payloadBegin);
    if (field.number === 3) value = field.value;
    if (field.number === 4) value = text(source, field);
    if (field.number === 5) value = { tensor: readTensor(source, field.payloadBegin, field.end) };
    if (field.number === 6 || field.number === 11)
      graphs.push(readGraph(source, field.payloadBegin, field.end, depth + 1));
    if (field.number === 7) numbers.push(...floats(source, field));
    if (field.number === 8) numbers.push(...integers(source, field));
    if (field.number === 9) texts.push(text(source, field));
  }
  if (graphs.length > 0) value = { graphs };
  if (numbers.length > 0) value = numbers;
  if (texts.length > 0) value = texts;
  return [name, value];
}

function readTensor(source: ByteSource, begin: number, end: number): OnnxTensor {
  const dimensions: number[] = [];
  let name = '';
  let dataType = 0;
  let raw: ProtobufField | undefined;
  let external = false;
  const entries = new Map<string, string>();
  for (const field of protobufFields(source, begin, end)) {
    if (field.number === 1) dimensions.push(...integers(source, field));
    if (field.number === 2) dataType = field.value;
    if (field.number === 8) name = text(source, field);
    if (field.number === 9) raw = field;
    if (field.number === 13) entries.set(...readEntry(source, field));
    if (field.number === 14) external = field.value === 1;
  }
  if (dimensions.some((size) => !Number.isSafeInteger(size) || size < 0)) {
    throw new RangeError(`the shape [${dimensions.join(', ')}] of ${JSON.stringify(name)}`);
  }
  const data = external
    ? {
        location: entries.get('location') ?? '',
        offset: place(entries.get('offset') ?? '0', name),
        // -1: up to the file's end.
        length: entries.has('length') ? place(entries.get('length') as string, name) : -1,
      }
    : raw === undefined
      ? null
      : { location: null, offset: raw.payloadBegin, length: raw.end - raw.payloadBegin };
  return { name, dataType, dimensions, begin, end, data };
}

/** A count of bytes that a graph gives as text. */
function place(digits: string, tensor: string): number {
  const bytes = Number(digits);
  if (!/^\d+$/.test(digits) || !Number.isSafeInteger(bytes)) {
    throw new RangeError(`the offset or length ${JSON.stringify(digits)} of ${JSON.stringify(tensor)}`);
  }
  return bytes;
}

function readValue(source: ByteSource, { payloadBegin, end }: ProtobufField): OnnxValue {
  let name = '';
  let dataType = 0;
  let shape: (number | string)[] | null = null;
  for (const field of protobufFields(source, payloadBegin, end)) {
    if (field.number === 1) name = text(source, field);
    if (field.number !== 2) continue;
    for (const type of protobufFields(source, field.payloadBegin, field.end)) {
      if (type.number !== 1) continue;
      for (const tensor of protobufFields(source, type.payloadBegin, type.end)) {
        if (tensor.number === 1) dataType = tensor.value;
        if (tensor.number === 2) shape = readShape(source, tensor);
      }
    }
  }
  return { name, dataType, shape };
}

function readShape(source: ByteSource, { payloadBegin, end }: ProtobufField): (number | string)[] {
  const shape: (number | string)[] = [];
  for (const dimension of protobufFields(source, payloadBegin, end)) {
    let size: number | string = '';
    for (const field of protobufFields(source, dimension.payloadBegin, dimension.end)) {
      if (field.number === 1) size = field.value;
      if (field.number === 2) size = text(source, field);
    }
    shape.push(size);
  }
  return shape;
}

function readOperatorSet(source: ByteSource, { payloadBegin, end }: ProtobufField): [domain: string, version: number] {
  let domain = '';
  let version = 0;
  for (const field of protobufFields(source, payloadBegin, end)) {
    if (field.number === 1) domain = text(source, field);
    if (field.number === 2) version = field.value;
  }
  return [domain === 'ai.onnx' ? '' : domain, version];
}

function readEntry(source: ByteSource, { payloadBegin, end }: ProtobufField): [key: string, value: string] {
  let key = '';
  let value = '';
  for (const field of protobufFields(source, payloadBegin, end)) {
    if (field.number === 1) key = text(source, field);
    if (field.number === 2) value = text(source, field);
  }
  return [key, value];
}

const utf8 = new TextDecoder();

function text(source: ByteSource, { payloadBegin, end }: ProtobufField): string {
  return utf8.decode(source.read(payloadBegin, end - payloadBegin));
}

function float(source: ByteSource, begin: number): number {
  const bytes = source.read(begin, 4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
}

/** Repeated floats: packed into one field, or a field each. */
function floats(source: ByteSource, { payloadBegin, end }: ProtobufField): number[] {
  return Array.from({ length: Math.floor((end - payloadBegin) / 4) }, (_, i) => float(source, payloadBegin + 4 * i));
}

/** Repeated integers: packed into one field, or a field each. */
function integers(source: ByteSource, { value, payloadBegin, end }: ProtobufField): number[] {
  if (!Number.isNaN(value)) return [value];
  const numbers: number[] = [];
  for (let at = payloadBegin; at < end; ) {
    const [number, next] = varint(source, at, end);
    numbers.push(number);
    at = next;
  }
  return numbers;
}
