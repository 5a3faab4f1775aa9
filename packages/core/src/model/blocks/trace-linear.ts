import type { GraphView } from '../onnx/graph-view.js';
import type { OnnxNode } from '../onnx/onnx-model.js';
import { type Linear, linearAt } from './linear.js';

/** A linear layer behind a value, and the nodes between them in the order of the data. */
export interface LinearTrace {
  readonly linear: Linear;
  /** Each node with the value that it takes from the one before, and gives to the next. */
  readonly path: readonly { readonly node: OnnxNode; readonly input: string; readonly output: string }[];
}

/** Operators that rearrange their first input; the others say how. */
const rearranging = new Set([
  'Reshape',
  'Transpose',
  'Expand',
  'Unsqueeze',
  'Squeeze',
  'Slice',
  'Gather',
  'Split',
  'Tile',
  'Flatten',
  'SplitToSequence',
  'SequenceAt',
]);

/** Operators on all of their inputs: rotary positions, norms, scales, the cache. */
const computing = new Set([
  'Identity',
  'Cast',
  'Concat',
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Neg',
  'Where',
  'Clip',
  'Pow',
  'Sqrt',
  'Rsqrt',
  'Reciprocal',
  'ReduceMean',
  'Dropout',
  'ScatterND',
  'ScatterElements',
]);

/** Operators whose other inputs are weights, positions or scales. */
const withParameters = new Set([
  'LayerNormalization',
  'SimplifiedLayerNormalization',
  'RMSNormalization',
  'LpNormalization',
  'RotaryEmbedding',
  'QuantizeLinear',
  'DequantizeLinear',
]);

/** The nearest linear layer behind a value, through what attention does to heads; undefined where there is none. */
export function traceLinear(
  view: GraphView,
  from: string,
  through: 'anything' | 'layout' = 'anything',
): LinearTrace | undefined {
  const cameBy = new Map<string, { readonly node: OnnxNode; readonly value: string } | null>([[from, null]]);
  for (const value of cameBy.keys()) {
    const linear = linearAt(view, value);
    if (linear !== undefined) return { linear, path: pathTo(value) };
    const node = view.producer(value);
    if (node === undefined) continue;
    for (const input of dataInputs(node, through)) {
      if (!cameBy.has(input) && !view.isConstant(input)) cameBy.set(input, { node, value });
    }
  }
  return undefined;

  function pathTo(output: string): LinearTrace['path'] {
    const path = [];
    for (let input = output, step = cameBy.get(input); step; input = step.value, step = cameBy.get(input)) {
      path.push({ node: step.node, input, output: step.value });
    }
    return path;
  }
}

function dataInputs({ opType, inputs }: OnnxNode, through: 'anything' | 'layout'): readonly string[] {
  if (rearranging.has(opType)) return inputs.slice(0, 1);
  if (through === 'layout' && !['Identity', 'Cast', 'QuantizeLinear', 'DequantizeLinear'].includes(opType)) return [];
  if (withParameters.has(opType)) return inputs.slice(0, 1);
  return computing.has(opType) ? inputs.filter((input) => input !== '') : [];
}
