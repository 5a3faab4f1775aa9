import { linearOf } from './blocks/linear.js';
import { elementType, tensorBytes } from './onnx/element-type.js';
import type { GraphView } from './onnx/graph-view.js';

/** What a graph's weights come to. */
export interface ModelCost {
  /** Weights and biases; packed ones count as what they stand for. */
  readonly parameters: number;
  /** Bytes of all weights as they are stored. */
  readonly weightBytes: number;
  /** Operations a token: two for each weight of a linear layer. Attention itself, which grows with the text, is not counted. */
  readonly flopsPerToken: number;
}

export function modelCost(view: GraphView): ModelCost {
  const tensors = [...view.graph.initializers.values()];
  let parameters = 0;
  let flopsPerToken = 0;
  const packed = new Set<string>();
  for (const node of view.graph.nodes) {
    const linear = linearOf(view, node);
    if (linear?.rows == null || linear.columns === null) continue;
    flopsPerToken += 2 * linear.rows * linear.columns;
    if (!['MatMulNBits', 'MatMulBnb4'].includes(node.opType)) continue;
    parameters += linear.rows * linear.columns;
    for (const input of node.inputs.slice(1)) packed.add(input);
  }
  for (const { name, dataType, dimensions } of tensors) {
    const type = elementType(dataType);
    const counts = dimensions.reduce((product, size) => product * size, 1);
    // Integers of 64 and 32 bits are shapes, axes and the biases of integer products.
    if (type !== undefined && type !== 'int64' && type !== 'bool' && !packed.has(name)) parameters += counts;
  }
  const weightBytes = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  return { parameters, weightBytes, flopsPerToken };
}
