import { elementTypes } from '../../../packages/core/dist/model/onnx/element-type.js';
import { ProtobufWriter } from '../../../packages/core/dist/model/onnx/protobuf-writer.js';
import { type LlamaShape, normEpsilon } from './llama-shape.ts';

/** A whole number, or a float as `{ float }`. */
type Attribute = number | { readonly float: number };

interface NodeOptions {
  /** Default: one, named after the node. "" where an optional one is left out. */
  readonly outputs?: readonly string[];
  readonly domain?: string;
  readonly attributes?: { readonly [name: string]: Attribute };
}

/**
 * The ModelProto of a Llama as ONNX Runtime GenAI's model builder writes it: GroupQueryAttention that turns queries and keys itself,
 * (Skip)SimplifiedLayerNormalization, a cache for every block. Its projections of query, key and value are operators of their own.
 *
 * @param weights a TensorProto each, named as in `llamaWeights`
 */
export function llamaGraph(shape: LlamaShape, weights: readonly Uint8Array[]): Uint8Array {
  const graph = new ProtobufWriter().text(2, 'main_graph');
  for (const weight of weights) graph.bytes(5, weight);
  const { lastTokens, totalTokens } = addMaskSizes();
  const blocks = Array.from({ length: shape.blocks }, (_, block) => block);

  let stream = addNode('Gather', '/model/embed_tokens/Gather', ['model.embed_tokens.weight', 'input_ids']);
  let added: string | null = null;
  for (const block of blocks) {
    const normed = addNorm(`/model/layers.${block}/input_layernorm`);
    const attended = addAttention(block, normed);
    added = addMatMul(`/model/layers.${block}/attn/o_proj/MatMul`, attended);
    added = addMlp(`/model/layers.${block}/mlp`, addNorm(`/model/layers.${block}/post_attention_layernorm`));
  }
  addMatMul('/lm_head/MatMul', addNorm(`/model/layers.${shape.blocks}/final_norm_layernorm`), 'logits');

  const { int64 } = elementTypes;
  const values = elementTypes[shape.dtype];
  const cache = (block: number, part: string) => [`${block}.${part}`, shape.keyValueHeads, shape.headSize] as const;
  const caches = blocks.flatMap((block) => [cache(block, 'key'), cache(block, 'value')]);
  graph.bytes(11, valueInfo('input_ids', int64.code, ['batch_size', 'sequence_length']));
  graph.bytes(11, valueInfo('attention_mask', int64.code, ['batch_size', 'total_sequence_length']));
  graph.bytes(12, valueInfo('logits', values.code, ['batch_size', 'sequence_length', shape.vocabulary]));
  for (const [name, heads, size] of caches) {
    const axes = (tokens: string) => ['batch_size', heads, tokens, size];
    graph.bytes(11, valueInfo(`past_key_values.${name}`, values.code, axes('past_sequence_length')));
    graph.bytes(12, valueInfo(`present.${name}`, values.code, axes('total_sequence_length')));
  }
  return new ProtobufWriter()
    .number(1, 10)
    .text(2, 'ner-retriever tests')
    .bytes(7, graph.finish())
    .bytes(8, new ProtobufWriter().text(1, '').number(2, 21).finish())
    .bytes(8, new ProtobufWriter().text(1, 'com.microsoft').number(2, 1).finish())
    .finish();

  /** From attention_mask: each text's tokens less one, [batch], and the longest text's tokens, a scalar; int32 both. */
  function addMaskSizes(): { readonly lastTokens: string; readonly totalTokens: string } {
    const folder = '/model/attn_mask_reformat/attn_mask_subgraph';
    const to = elementTypes.int32.code;
    const axis = addIntegers('/model/constants/INT64/[1]', [1], [1]);
    const one = addIntegers('/model/constants/INT64/1', [], [1]);
    const sum = addNode('ReduceSum', `${folder}/ReduceSum`, ['attention_mask', axis], { attributes: { keepdims: 0 } });
    const less = addNode('Sub', `${folder}/Sub`, [sum, axis]);
    const sizes = addNode('Shape', `${folder}/Shape`, ['attention_mask']);
    const longest = addNode('Gather', `${folder}/Gather`, [sizes, one], { attributes: { axis: 0 } });
    return {
      lastTokens: addNode('Cast', `${folder}/Sub/Cast`, [less], { attributes: { to } }),
      totalTokens: addNode('Cast', `${folder}/Gather/Cast`, [longest], { attributes: { to } }),
    };
  }

  /** The norm of the residual stream, after what the layer before adds to it. */
  function addNorm(name: string): string {
    const weight = `${weightName(name)}.weight`;
    const attributes = { epsilon: { float: normEpsilon } };
    if (added === null) {
      const outputs = [`${name}/output_0`];
      return addNode('SimplifiedLayerNormalization', `${name}/LayerNorm`, [stream, weight], { outputs, attributes });
    }
    const inputs = [stream, added, weight];
    const outputs = [`${name}/output_0`, '', '', `${name}/output_3`];
    const domain = 'com.microsoft';
    stream = `${name}/output_3`;
    return addNode('SkipSimplifiedLayerNormalization', `${name}/SkipLayerNorm`, inputs, {
      outputs,
      domain,
      attributes,
    });
  }

  function addAttention(block: number, normed: string): string {
    const folder = `/model/layers.${block}/attn`;
    const inputs = [
      ...['q', 'k', 'v'].map((part) => addMatMul(`${folder}/${part}_proj/MatMul`, normed)),
      `past_key_values.${block}.key`,
      `past_key_values.${block}.value`,
      lastTokens,
      totalTokens,
      'cos_cache',
      'sin_cache',
    ];
    const name = `${folder}/GroupQueryAttention`;
    return addNode('GroupQueryAttention', name, inputs, {
      outputs: [`${name}/output_0`, `present.${block}.key`, `present.${block}.value`],
      domain: 'com.microsoft',
      attributes: {
        num_heads: shape.heads,
        kv_num_heads: shape.keyValueHeads,
        scale: { float: 1 / Math.sqrt(shape.headSize) },
        local_window_size: -1,
        softcap: { float: 0 },
        do_rotary: 1,
        rotary_interleaved: 0,
      },
    });
  }

  function addMlp(folder: string, normed: string): string {
    const gate = addMatMul(`${folder}/gate_proj/MatMul`, normed);
    const up = addMatMul(`${folder}/up_proj/MatMul`, normed);
    const sigmoid = addNode('Sigmoid', `${folder}/act_fn/Sigmoid`, [gate]);
    const activated = addNode('Mul', `${folder}/act_fn/Mul`, [gate, sigmoid]);
    return addMatMul(`${folder}/down_proj/MatMul`, addNode('Mul', `${folder}/Mul`, [activated, up]));
  }

  function addMatMul(name: string, rows: string, output = `${name}/output_0`): string {
    return addNode('MatMul', name, [rows, `${weightName(name)}.weight`], { outputs: [output] });
  }

  /** Gives the name of the first output. */
  function addNode(opType: string, name: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const { outputs = [`${name}/output_0`], domain = '', attributes = {} } = options;
    const node = new ProtobufWriter();
    for (const input of inputs) node.text(1, input);
    for (const output of outputs) node.text(2, output);
    node.text(3, name).text(4, opType).text(7, domain);
    for (const [key, value] of Object.entries(attributes)) {
      const attribute = new ProtobufWriter().text(1, key);
      const [float, integer] = [1, 2];
      if (typeof value === 'number') attribute.number(3, value).number(20, integer);
      else attribute.float(2, value.float).number(20, float);
      node.bytes(5, attribute.finish());
    }
    graph.bytes(1, node.finish());
    return outputs[0] as string;
  }

  function addIntegers(name: string, dimensions: readonly number[], values: readonly number[]): string {
    const tensor = new ProtobufWriter();
    for (const size of dimensions) tensor.number(1, size);
    tensor.number(2, elementTypes.int64.code).text(8, name);
    graph.bytes(5, tensor.bytes(9, Buffer.from(BigInt64Array.from(values, BigInt).buffer)).finish());
    return name;
  }
}

/** /model/layers.0/mlp/up_proj/MatMul takes model.layers.0.mlp.up_proj.MatMul.weight. */
function weightName(node: string): string {
  return node.slice(1).replaceAll('/', '.');
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
