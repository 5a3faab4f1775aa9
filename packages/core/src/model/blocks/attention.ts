import type { GraphView } from '../onnx/graph-view.js';
import type { OnnxNode } from '../onnx/onnx-model.js';

/** Where a block attends: the values that its queries, keys and values reach the product of attention by. */
export interface Attention {
  /** The node that gives the attended values: a product with the softmax, or one operator that does it all. */
  readonly node: OnnxNode;
  readonly query: string;
  /** Null where one input of the operator packs queries, keys and values. */
  readonly key: string | null;
  readonly value: string | null;
  readonly packing: Packing | null;
}

/** How one operator packs queries, keys and values into one input. */
export interface Packing {
  /** They stand side by side, each with this share of all columns. */
  readonly shares: { readonly query: number; readonly key: number; readonly value: number };
  /** The projection that the operator has within itself; null where the input is projected already. */
  readonly projection: { readonly weight: string; readonly bias: string | null } | null;
}

/** All attention of a graph, in its order. */
export function findAttention(view: GraphView): Attention[] {
  return view.graph.nodes.flatMap((node) => {
    const found = node.opType === 'Softmax' ? decomposed(view, node) : fused(node);
    return found === undefined ? [] : [found];
  });
}

function fused(node: OnnxNode): Attention | undefined {
  const [query = '', key = '', value = ''] = node.inputs;
  switch (node.opType) {
    case 'GroupQueryAttention':
      if (key !== '') return { node, query, key, value, packing: null };
      return { node, query, key: null, value: null, packing: { shares: groupedShares(node), projection: null } };
    case 'MultiHeadAttention':
      // Queries, keys and values packed head by head have five axes, and no file of the known exporters has them so.
      return key === '' ? undefined : { node, query, key, value, packing: null };
    case 'Attention': {
      if (node.domain === '') return { node, query, key, value, packing: null };
      const sizes = node.attributes.get('qkv_hidden_sizes');
      const shares = Array.isArray(sizes) ? sharesOf(sizes as readonly number[]) : sharesOf([1, 1, 1]);
      const projection = { weight: key, bias: value === '' ? null : value };
      return { node, query, key: null, value: null, packing: { shares, projection } };
    }
    default:
      return undefined;
  }
}

/** By heads, which are all of one width. */
function groupedShares({ attributes }: OnnxNode): Packing['shares'] {
  const heads = attributes.get('num_heads');
  const keyHeads = attributes.get('kv_num_heads');
  if (typeof heads !== 'number' || typeof keyHeads !== 'number') return sharesOf([1, 1, 1]);
  return sharesOf([heads, keyHeads, keyHeads]);
}

function sharesOf(parts: readonly number[]): Packing['shares'] {
  const [query, key, value] = parts as [number, number, number];
  const all = query + key + value;
  return { query: query / all, key: key / all, value: value / all };
}

/** softmax(query × key) × value, as operators of its own. */
function decomposed(view: GraphView, softmax: OnnxNode): Attention | undefined {
  const product = attendedProduct(view, softmax.outputs[0] as string);
  const scores = scoreProduct(view, softmax.inputs[0] as string);
  if (product === undefined || scores === undefined) return undefined;
  const [query, key] = scores.inputs as [string, string];
  return { node: product, query, key, value: product.inputs[1] as string, packing: null };
}

/** What may stand between softmax and product: a dropout, a guard against rows that are masked whole, a sink that is cut off. */
const behindSoftmax = new Set([
  'Cast',
  'Identity',
  'Dropout',
  'Where',
  'Mul',
  'Slice',
  'Reshape',
  'QuantizeLinear',
  'DequantizeLinear',
]);

function attendedProduct(view: GraphView, probabilities: string): OnnxNode | undefined {
  const values = [probabilities];
  for (const value of values) {
    for (const node of view.consumers(value)) {
      if (node.opType === 'MatMul' && node.inputs[0] === value && !view.isConstant(node.inputs[1] as string))
        return node;
      if (behindSoftmax.has(node.opType) && values.length < 32) values.push(node.outputs[0] as string);
    }
  }
  return undefined;
}

/** What may stand between the product of queries and keys and the softmax: scale, mask, position bias, soft cap. */
const beforeSoftmax = new Set([
  'Add',
  'Sub',
  'Where',
  'Mul',
  'Div',
  'Cast',
  'Identity',
  'Tanh',
  'Clip',
  'Concat',
  'Reshape',
  'QuantizeLinear',
  'DequantizeLinear',
]);

function scoreProduct(view: GraphView, scores: string): OnnxNode | undefined {
  const values = [scores];
  for (const value of values) {
    const node = view.producer(value);
    if (node === undefined) continue;
    const [one = '', other = ''] = node.inputs;
    if ((node.opType === 'MatMul' || node.opType === 'FusedMatMul') && !view.isConstant(one) && !view.isConstant(other))
      return node;
    if (!beforeSoftmax.has(node.opType)) continue;
    for (const input of node.inputs) {
      if (values.length < 64 && input !== '' && !view.isConstant(input)) values.push(input);
    }
  }
  return undefined;
}
