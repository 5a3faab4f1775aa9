import type { OnnxGraph, OnnxNode, OnnxTensor } from '../onnx/onnx-model.js';
import { newNode } from './new-node.js';

/**
 * The graph with the branch that runs without a cache in the place of each `If` that asks for one: exporters merge a decoder's
 * two graphs (first token, later tokens) into one so.
 */
export function inlineBranches(graph: OnnxGraph): OnnxGraph {
  const asks = (node: OnnxNode) => node.opType === 'If' && /use_cache/.test(node.inputs[0] ?? '');
  if (!graph.nodes.some(asks)) return graph;
  const initializers = new Map<string, OnnxTensor>(graph.initializers);
  const nodes = graph.nodes.flatMap((node) => {
    const branch = asks(node) ? elseBranch(node) : undefined;
    if (branch === undefined) return [node];
    const inner = inlineBranches(branch);
    for (const [name, tensor] of inner.initializers) initializers.set(name, tensor);
    const named = inner.outputs.map(({ name }, i) => newNode('Identity', [name], node.outputs[i] as string));
    return [...inner.nodes, ...named];
  });
  return { ...graph, nodes, initializers };
}

function elseBranch({ attributes }: OnnxNode): OnnxGraph | undefined {
  const branch = attributes.get('else_branch');
  return typeof branch === 'object' && 'graphs' in branch ? branch.graphs[0] : undefined;
}
