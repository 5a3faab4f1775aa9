import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { elementTypes } from '../../../packages/core/dist/model/onnx/element-type.js';
import { ProtobufWriter } from '../../../packages/core/dist/model/onnx/protobuf-writer.js';
import { byteLevelTokenizer } from './byte-level-tokenizer.ts';
import { llamaGraph } from './llama-graph.ts';
import { beginToken, type LlamaShape, maximumTokens, normEpsilon, rotaryBase } from './llama-shape.ts';
import { type LlamaWeight, llamaWeights } from './llama-weights.ts';

/**
 * Writes a folder with a Llama of random weights as an ONNX export would hold it: model.onnx, model.onnx.data, config.json,
 * tokenizer.json. Weights go to the disk as they are made: a model of any size needs little memory.
 */
export async function writeLlama(directory: string, shape: LlamaShape, signal?: AbortSignal): Promise<void> {
  await mkdir(directory, { recursive: true });
  await using data = await open(join(directory, 'model.onnx.data'), 'wx');
  const tensors: Uint8Array[] = [];
  let offset = 0;
  for (const weight of llamaWeights(shape)) {
    const length = await writeWeight(data, weight, shape.dtype, signal);
    tensors.push(externalTensor(weight, shape.dtype, offset, length));
    offset += length;
  }
  await writeFile(join(directory, 'model.onnx'), llamaGraph(shape, tensors));
  await writeFile(join(directory, 'config.json'), JSON.stringify(configuration(shape), null, 2));
  await writeFile(join(directory, 'tokenizer.json'), JSON.stringify(byteLevelTokenizer(shape)));
}

/** Gives the bytes that it wrote. */
async function writeWeight(
  file: FileHandle,
  weight: LlamaWeight,
  dtype: LlamaShape['dtype'],
  signal: AbortSignal | undefined,
): Promise<number> {
  let length = 0;
  for (const piece of weight.pieces()) {
    signal?.throwIfAborted();
    const stored = dtype === 'float16' ? new Float16Array(piece) : piece;
    await file.appendFile(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
    length += stored.byteLength;
  }
  return length;
}

function externalTensor(
  { name, dimensions }: LlamaWeight,
  dtype: LlamaShape['dtype'],
  offset: number,
  length: number,
): Uint8Array {
  const tensor = new ProtobufWriter();
  for (const size of dimensions) tensor.number(1, size);
  tensor.number(2, elementTypes[dtype].code).text(8, name);
  for (const [key, value] of Object.entries({ location: 'model.onnx.data', offset, length })) {
    tensor.bytes(13, new ProtobufWriter().text(1, key).text(2, String(value)).finish());
  }
  const external = 1;
  return tensor.number(14, external).finish();
}

function configuration(shape: LlamaShape): object {
  return {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    vocab_size: shape.vocabulary,
    hidden_size: shape.hidden,
    intermediate_size: shape.intermediate,
    num_hidden_layers: shape.blocks,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.keyValueHeads,
    head_dim: shape.headSize,
    hidden_act: 'silu',
    max_position_embeddings: maximumTokens,
    rms_norm_eps: normEpsilon,
    rope_theta: rotaryBase,
    bos_token_id: beginToken(shape),
    eos_token_id: beginToken(shape),
  };
}
