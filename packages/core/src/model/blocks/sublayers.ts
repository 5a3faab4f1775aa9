import type { GraphView } from '../onnx/graph-view.js';
import type { OnnxNode } from '../onnx/onnx-model.js';
import { type Linear, linearAt, linearOf } from './linear.js';
import type { Block, Tap } from './tap.js';
import { traceLinear } from './trace-linear.js';

/** Operators that leave a residual stream what it is: norms, as one operator or in parts, scales, casts. */
const keeping = new Set([
  'Identity',
  'Cast',
  'Dropout',
  'LayerNormalization',
  'SimplifiedLayerNormalization',
  'RMSNormalization',
  'Pow',
  'ReduceMean',
  'Sqrt',
  'Rsqrt',
  'Reciprocal',
  'Sub',
  'Div',
  'Mul',
  'Add',
  'Reshape',
  'Transpose',
  'QuantizeLinear',
  'DequantizeLinear',
  'DynamicQuantizeLinear',
]);

/** Sum and norm in one: the sum is the fourth output, where it is wanted. */
const skipNorms = new Set(['SkipLayerNormalization', 'SkipSimplifiedLayerNormalization']);

/** A sum of the residual stream with the output of a sub-layer. */
interface ResidualSum {
  readonly node: OnnxNode;
  /** The output of the sub-layer, and the stream. */
  readonly added: string;
  readonly stream: string;
}

/**
 * Attention output, MLP output and hidden state of a block. `input` is what its projections take, `nextInput` what those of
 * the next block take.
 */
export function findSublayers(
  view: GraphView,
  attention: OnnxNode,
  input: string,
  nextInput: string | undefined,
): Pick<Block['taps'], 'attention' | 'mlp' | 'hidden'> {
  const outward = outwardLinear(view, attention);
  if (outward === undefined) return {};
  const { output, columns: dimensions } = outward;
  const first = nextSum(view, output);
  if (first === undefined) return { attention: { tensor: output, dimensions } };
  const attended = { tensor: output, dimensions, ...skipBias(first.node) };

  const beside = linearAt(view, first.stream);
  const parallel = beside !== undefined && isBehind(view, beside.node, input);
  const second = parallel ? nextSum(view, sumOf(first.node)) : mlpSum(view, first, input);
  if (second === undefined) return { attention: attended };
  // The stream goes on as the norm of the sum, not as the sum itself.
  const normalisedBehind = !parallel && origin(view, second.stream) !== sumOf(first.node);
  const mlp = parallel ? beside : traceLinear(view, second.added)?.linear;
  return {
    attention: attended,
    ...(mlp && { mlp: { tensor: mlp.output, dimensions: mlp.columns, ...skipBias(second.node) } }),
    hidden: hiddenTap(view, second, normalisedBehind ? (nextInput ?? null) : undefined, dimensions),
  };
}

/** The linear layer that takes the attended values out of attention. */
function outwardLinear(view: GraphView, attention: OnnxNode): Linear | undefined {
  const values = [attention.outputs[0] as string];
  for (const value of values) {
    for (const node of view.consumers(value)) {
      const linear = linearOf(view, node);
      if (linear !== undefined) return linear;
      if (keeping.has(node.opType) && values.length < 64) values.push(node.outputs[0] as string);
    }
  }
  return undefined;
}

/** The first sum with the stream that a sub-layer's output reaches, through norms and scales alone. */
function nextSum(view: GraphView, from: string): ResidualSum | undefined {
  const values = [from];
  for (const value of values) {
    for (const node of view.consumers(value)) {
      const operands = summands(view, node);
      if (operands !== undefined) {
        const [one, other] = operands;
        return { node, added: value, stream: one === value ? other : one };
      }
      if (keeping.has(node.opType) && values.length < 64) values.push(node.outputs[0] as string);
    }
  }
  return undefined;
}

/** The sum of what the MLP makes of the stream with the stream itself: the first behind `first` that both reach. */
function mlpSum(view: GraphView, first: ResidualSum, input: string): ResidualSum | undefined {
  const stream = new Set(first.node.outputs.filter((output) => output !== ''));
  const made = new Set<string>();
  for (const node of view.graph.nodes.slice(view.position(first.node) + 1)) {
    const fromStream = node.inputs.some((value) => stream.has(value));
    const fromMade = node.inputs.some((value) => made.has(value));
    if (!fromStream && !fromMade) continue;
    const operands = summands(view, node);
    if (operands !== undefined && fromStream) {
      const [one, other] = stream.has(operands[0]) ? operands : [operands[1], operands[0]];
      const beside = made.has(other) || isBehind(view, traceLinear(view, other)?.linear.node, input);
      if (!stream.has(other) && beside) return { node, added: other, stream: one };
    }
    const reached = !fromMade && keeping.has(node.opType) ? stream : made;
    for (const output of node.outputs) if (output !== '') reached.add(output);
  }
  return undefined;
}

/**
 * What the next block takes as its stream: the sum, or in a model that normalises behind its sums (`nextInput` is given, null in
 * the last block) the norm of it.
 */
function hiddenTap(
  view: GraphView,
  { node, added, stream }: ResidualSum,
  nextInput: string | null | undefined,
  dimensions: number | null,
): Tap {
  const sum = sumOf(node);
  if (nextInput !== undefined) {
    if (skipNorms.has(node.opType)) return { tensor: node.outputs[0] as string, dimensions };
    return { tensor: nextInput === null ? lastKept(view, sum) : origin(view, nextInput), dimensions };
  }
  return sum === '' ? { tensor: stream, addend: added, dimensions } : { tensor: sum, dimensions };
}

/** The operands of a sum of two values that both depend on the text; undefined for any other node. */
function summands(view: GraphView, { opType, inputs }: OnnxNode): [string, string] | undefined {
  const [one = '', other = ''] = inputs;
  if (opType !== 'Add' && !skipNorms.has(opType)) return undefined;
  return view.isConstant(one) || view.isConstant(other) ? undefined : [one, other];
}

function sumOf({ opType, outputs }: OnnxNode): string {
  return (skipNorms.has(opType) ? outputs[3] : outputs[0]) ?? '';
}

/** The bias of the linear layer before a sum, where the operator of the sum adds it. */
function skipBias({ opType, inputs }: OnnxNode): Pick<Tap, 'addend'> {
  if (!skipNorms.has(opType)) return {};
  const bias = inputs[opType === 'SkipLayerNormalization' ? 4 : 3] ?? '';
  return bias === '' ? {} : { addend: bias };
}

/** True where a node stands behind the one that makes `value`. */
function isBehind(view: GraphView, node: OnnxNode | undefined, value: string): boolean {
  const maker = view.producer(value);
  return node !== undefined && (maker === undefined || view.position(node) > view.position(maker));
}

/** A value before it was cast, quantised or flattened. */
function origin(view: GraphView, value: string): string {
  const same = [
    'Identity',
    'Cast',
    'Dropout',
    'Reshape',
    'QuantizeLinear',
    'DequantizeLinear',
    'DynamicQuantizeLinear',
  ];
  const node = view.producer(value);
  return node !== undefined && same.includes(node.opType) ? origin(view, node.inputs[0] as string) : value;
}

/** The last value that norms and scales alone make of one. */
function lastKept(view: GraphView, from: string): string {
  const values = [from];
  for (const value of values) {
    for (const node of view.consumers(value)) {
      const keeps =
        keeping.has(node.opType) && summands(view, node) === undefined && linearOf(view, node) === undefined;
      if (keeps && !values.includes(node.outputs[0] as string)) values.push(node.outputs[0] as string);
    }
  }
  const place = (value: string) => {
    const maker = view.producer(value);
    return maker === undefined ? -1 : view.position(maker);
  };
  return values.reduce((last, value) => (place(value) > place(last) ? value : last));
}
