import type { GraphView } from '../onnx/graph-view.js';
import type { OnnxNode } from '../onnx/onnx-model.js';
import { weightShape } from './weight-shape.js';

/** A linear layer: a product with a weight, its scale where it is quantised, and its bias. */
export interface Linear {
  /** What goes in: [batch, tokens, …] or [batch × tokens, …]. */
  readonly input: string;
  /** What comes out, bias included. */
  readonly output: string;
  /** The node that multiplies. */
  readonly node: OnnxNode;
  /** Columns of the output; null where the graph does not say. */
  readonly columns: number | null;
  readonly rows: number | null;
}

/** Products whose second input is the weight. */
const products = new Set([
  'MatMul',
  'Gemm',
  'FusedMatMul',
  'FusedGemm',
  'MatMulInteger',
  'MatMulIntegerToFloat',
  'DynamicQuantizeMatMul',
  'MatMulNBits',
  'MatMulBnb4',
  'MatMulFpQ4',
]);

/** What may stand between a product and its bias. */
const between = new Set(['Cast', 'Identity', 'QuantizeLinear', 'DequantizeLinear']);

/** The linear layer whose outermost output is `value`: the sum with the bias where there is one. Undefined where it is none. */
export function linearAt(view: GraphView, value: string): Linear | undefined {
  const node = view.producer(value);
  if (node === undefined) return undefined;
  if (node.opType === 'Add') {
    const [one, other] = node.inputs as [string, string];
    const summand = view.isConstant(one) ? other : view.isConstant(other) ? one : undefined;
    const product = summand === undefined ? undefined : scaledProduct(view, summand);
    return product && { ...product, output: value };
  }
  const product = scaledProduct(view, value);
  return product?.output === value ? product : undefined;
}

/** The linear layer that a product belongs to, followed forward to its bias; undefined where the node is no such product. */
export function linearOf(view: GraphView, node: OnnxNode): Linear | undefined {
  if (!isProduct(view, node)) return undefined;
  let outermost: Linear | undefined;
  const values = [node.outputs[0] as string];
  for (const value of values) {
    const linear = linearAt(view, value);
    if (linear?.node === node) outermost = linear;
    else if (linear !== undefined) continue;
    for (const { opType, outputs } of view.consumers(value)) {
      if (opType === 'Add' || opType === 'Mul' || between.has(opType)) {
        if (values.length < 8) values.push(outputs[0] as string);
      }
    }
  }
  return outermost;
}

function scaledProduct(view: GraphView, value: string): Linear | undefined {
  let output = value;
  let node = view.producer(value);
  // An integer product is scaled by its activations' and its weights' scales: Mul(Cast(MatMulInteger(…)), …).
  if (node?.opType === 'Mul') {
    const factor = node.inputs.find((input) => isIntegerProduct(view, input));
    return factor === undefined ? undefined : integerProduct(view, factor, value);
  }
  while (node !== undefined && between.has(node.opType)) {
    output = node.inputs[0] as string;
    node = view.producer(output);
  }
  if (node?.opType === 'Mul') {
    const factor = node.inputs.find((input) => isIntegerProduct(view, input));
    return factor === undefined ? undefined : integerProduct(view, factor, output);
  }
  if (node === undefined || !isProduct(view, node) || node.opType === 'MatMulInteger') return undefined;
  return { input: node.inputs[0] as string, output, node, ...sizes(view, node) };
}

function integerProduct(view: GraphView, cast: string, output: string): Linear | undefined {
  const node = view.producer(view.producer(cast)?.inputs[0] as string) as OnnxNode;
  return { input: node.inputs[0] as string, output, node, ...sizes(view, node) };
}

function isIntegerProduct(view: GraphView, value: string): boolean {
  const cast = view.producer(value);
  if (cast?.opType !== 'Cast') return false;
  const node = view.producer(cast.inputs[0] as string);
  return node?.opType === 'MatMulInteger' && isProduct(view, node);
}

function isProduct(view: GraphView, { opType, inputs }: OnnxNode): boolean {
  if (!products.has(opType)) return false;
  return view.isConstant(inputs[1] as string) && !view.isConstant(inputs[0] as string);
}

function sizes(view: GraphView, node: OnnxNode): Pick<Linear, 'rows' | 'columns'> {
  const rows = node.attributes.get('K');
  const columns = node.attributes.get('N');
  if (typeof rows === 'number' && typeof columns === 'number') return { rows, columns };
  const shape = weightShape(view, node.inputs[1] as string);
  if (shape === null) return { rows: null, columns: null };
  const [first, second] = shape;
  return node.attributes.get('transB') === 1 ? { rows: second, columns: first } : { rows: first, columns: second };
}
