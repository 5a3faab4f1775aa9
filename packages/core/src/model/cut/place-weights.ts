import { open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NerRetrieverError } from '../../errors.js';
import { elementType, tensorBytes } from '../onnx/element-type.js';
import type { OnnxModel, OnnxTensor } from '../onnx/onnx-model.js';
import { ProtobufWriter } from '../onnx/protobuf-writer.js';
import type { FurtherInput } from './model-parts.js';
import type { Part } from './part.js';

/** Weights within the graph file stay there up to this many bytes in all: ONNX Runtime holds such a file twice while it loads it. */
const INLINE_BYTES = 256 * 2 ** 20;

/** Smaller tensors always stay in the graph, where ONNX Runtime wants shapes and axes. */
const SMALL_BYTES = 1024;

/** Where each weight of a cut model goes. */
export interface PlacedWeights {
  /** A TensorProto each, for the graph. */
  readonly tensors: readonly Part[];
  /** The file of weights beside the graph; empty where there is none. */
  readonly data: readonly Part[];
  /** Bytes of all weights. */
  readonly bytes: number;
}

/**
 * Places the weights of a cut model: those that lay within the graph stay there if they are not too many, the others go to a file
 * named `dataName`.
 *
 * @throws NerRetrieverError MODEL_WEIGHTS_MISSING where a file of weights is not there, too short, or of another size than the shape says.
 */
export async function placeWeights(
  { path: graphPath }: OnnxModel,
  weights: readonly OnnxTensor[],
  dataName: string,
): Promise<PlacedWeights> {
  const tensors: Part[] = [];
  const data: Part[] = [];
  const fileSize = rememberedSizes();
  const inline = weights.reduce((sum, tensor) => sum + (tensor.data?.location === null ? tensor.data.length : 0), 0);
  let offset = 0;
  let bytes = 0;
  for (const tensor of weights) {
    const { begin, end } = tensor;
    if (tensor.data === null || (tensor.data.location === null && inline <= INLINE_BYTES)) {
      tensors.push({ path: graphPath, offset: begin, length: end - begin });
      bytes += tensor.data?.length ?? 0;
      continue;
    }
    const path = pathOf(graphPath, tensor);
    const length = checkedLength(path, tensor, await fileSize(path));
    bytes += length;
    if (length < SMALL_BYTES) {
      tensors.push(await inlineTensor(path, tensor, length));
      continue;
    }
    // Where a page begins, so that the operating system can map the file.
    const alignment = length >= 2 ** 20 ? 4096 : 64;
    const padding = (alignment - (offset % alignment)) % alignment;
    if (padding > 0) data.push(new Uint8Array(padding));
    offset += padding;
    data.push({ path, offset: tensor.data.offset, length });
    tensors.push(externalTensor(tensor, dataName, offset, length));
    offset += length;
  }
  return { tensors, data, bytes };
}

/** The same weights as inputs of the graph, but for the small ones: a graph that can be checked without any weight being read. */
export async function weightsAsInputs(
  { path: graphPath }: OnnxModel,
  weights: readonly OnnxTensor[],
): Promise<{ readonly tensors: readonly Part[]; readonly inputs: readonly FurtherInput[] }> {
  const tensors: Part[] = [];
  const inputs: FurtherInput[] = [];
  const fileSize = rememberedSizes();
  for (const tensor of weights) {
    const { name, dataType, dimensions, begin, end, data } = tensor;
    const path = pathOf(graphPath, tensor);
    const length = data === null ? end - begin : checkedLength(path, tensor, await fileSize(path));
    if (length >= SMALL_BYTES) inputs.push({ name, dataType, shape: dimensions });
    else if (data?.location) tensors.push(await inlineTensor(path, tensor, length));
    else tensors.push({ path, offset: begin, length: end - begin });
  }
  return { tensors, inputs };
}

function pathOf(graphPath: string, { data }: OnnxTensor): string {
  return data?.location ? join(dirname(graphPath), data.location) : graphPath;
}

/** Bytes of a tensor's values, which lie in their file. */
function checkedLength(path: string, { name, dataType, dimensions, data }: OnnxTensor, fileBytes: number): number {
  const missing = (expected: string, received: string) =>
    new NerRetrieverError('MODEL_WEIGHTS_MISSING', { file: path, tensor: name, expected, received });
  const type = elementType(dataType);
  if (type === undefined) throw missing('weights of a known type', `ONNX's element type ${dataType}`);
  const length = tensorBytes({ dataType, dimensions });
  const { offset = 0, length: told = -1 } = data ?? {};
  if (told >= 0 && told !== length)
    throw missing(`${length} bytes for ${type} [${dimensions.join(', ')}]`, `${told} bytes`);
  if (offset + length > fileBytes) throw missing(`${offset + length} bytes in the file`, `${fileBytes} bytes`);
  return length;
}

function rememberedSizes(): (path: string) => Promise<number> {
  const sizes = new Map<string, Promise<number>>();
  return (path) => {
    const size = sizes.get(path) ?? stat(path).then((found) => found.size);
    sizes.set(path, size);
    return size;
  };
}

async function inlineTensor(path: string, tensor: OnnxTensor, length: number): Promise<Uint8Array> {
  await using file = await open(path);
  const raw = new Uint8Array(length);
  await file.read(raw, 0, length, tensor.data?.offset ?? 0);
  return tensorHead(tensor).bytes(9, raw).finish();
}

function externalTensor(tensor: OnnxTensor, location: string, offset: number, length: number): Uint8Array {
  const message = tensorHead(tensor);
  for (const [key, value] of Object.entries({ location, offset, length })) {
    message.bytes(13, new ProtobufWriter().text(1, key).text(2, String(value)).finish());
  }
  const external = 1;
  return message.number(14, external).finish();
}

function tensorHead({ name, dataType, dimensions }: OnnxTensor): ProtobufWriter {
  const message = new ProtobufWriter();
  for (const size of dimensions) message.number(1, size);
  return message.number(2, dataType).text(8, name);
}
