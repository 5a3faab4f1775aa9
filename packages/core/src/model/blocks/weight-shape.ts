import type { GraphView } from '../onnx/graph-view.js';

/** [rows, columns] of a weight as its consumer takes it: through the transposition and the dequantisation before it. Null where it is no matrix. */
export function weightShape(view: GraphView, value: string): [number, number] | null {
  const tensor = view.graph.initializers.get(value);
  const dimensions = tensor?.dimensions ?? view.weight(value)?.dimensions;
  if (dimensions?.length !== 2) return null;
  let transposed = false;
  for (let node = view.producer(value); node !== undefined; node = view.producer(node.inputs[0] as string)) {
    if (node.opType === 'Transpose') transposed = !transposed;
  }
  const [first, second] = dimensions as [number, number];
  return transposed ? [second, first] : [first, second];
}
