import type { Tap } from '../blocks/tap.js';
import { elementTypes } from '../onnx/element-type.js';
import type { GraphView } from '../onnx/graph-view.js';
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from '../onnx/onnx-model.js';
import { newNode } from './new-node.js';
import { newIntegers } from './new-tensor.js';
import { renameInputs } from './rename-inputs.js';
import { type CacheShape, own, standIns, tokenInput } from './stand-ins.js';
import { findTokenInput } from './token-input.js';

/** The one output of a cut graph: float32 [batch, tokens, dimensions]. */
export const tapOutput = 'tap';

/** What is left of a graph: the way from the tokens to the tap. Inputs: `input_ids` and `attention_mask`, int64 [batch, tokens]. */
export interface CutGraph {
  readonly nodes: readonly OnnxNode[];
  /** Weights that are still needed, as they lie in the source. */
  readonly weights: readonly OnnxTensor[];
  /** Small TensorProtos that the cut adds. */
  readonly tensors: readonly Uint8Array[];
}

/**
 * Cuts a graph at a tap: keeps the tap's ancestors alone, gives them an empty cache, and takes the tap out as float32.
 *
 * @throws NerRetrieverError MODEL_INPUT_UNKNOWN.
 */
export function cutGraph(model: OnnxModel, view: GraphView, tap: Tap, cache: CacheShape): CutGraph {
  const { graph } = view;
  const needed = new Set([tap.tensor, tap.addend, tap.projection?.weight, tap.projection?.bias].filter((name) => name));
  const kept: OnnxNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    kept.push(node);
    for (const name of namesTaken(node)) needed.add(name);
  }
  const inputs = graph.inputs.filter(({ name }) => needed.has(name));
  const before = standIns(model.path, inputs, findTokenInput(view, model.path), cache);
  const behind = tapNodes(tap);
  return {
    nodes: [...before.nodes, ...renameInputs(model.path, kept.reverse(), before.renamed), ...behind.nodes],
    weights: [...graph.initializers.values()].filter(({ name }) => needed.has(name)),
    tensors: [...before.tensors, ...behind.tensors],
  };
}

/** Names that a node takes, within its branches and bodies too. */
function namesTaken({ inputs, attributes }: OnnxNode): string[] {
  const within = (graph: OnnxGraph): string[] => [
    ...graph.nodes.flatMap(namesTaken),
    ...graph.outputs.map(({ name }) => name),
  ];
  const graphs = [...attributes.values()].flatMap((value) =>
    typeof value === 'object' && 'graphs' in value ? value.graphs : [],
  );
  return [...inputs, ...graphs.flatMap(within)].filter((name) => name !== '');
}

/** From the tap's tensor to [batch, tokens, dimensions] in float32. */
function tapNodes({ tensor, projection, addend, columns }: Tap): Pick<CutGraph, 'nodes' | 'tensors'> {
  const nodes: OnnxNode[] = [];
  const tensors: Uint8Array[] = [];
  let value = tensor;
  const then = (opType: string, others: readonly string[], name: string, attributes = {}) => {
    nodes.push(newNode(opType, [value, ...others], own(name), attributes));
    value = own(name);
  };
  if (projection !== undefined) {
    then('MatMul', [projection.weight], 'projected');
    if (projection.bias !== null) then('Add', [projection.bias], 'biased');
  }
  if (addend !== undefined) then('Add', [addend], 'summed');
  if (columns !== undefined) {
    tensors.push(newIntegers(own('columns'), columns));
    then('Gather', [own('columns')], 'selected', { axis: -1 });
  }
  then('Cast', [], 'float', { to: elementTypes.float32.code });
  // [batch × tokens, dimensions] where a layer took its rows flattened.
  tensors.push(newIntegers(own('remaining'), [-1]));
  nodes.push(
    newNode('Shape', [tokenInput], own('tokens')),
    newNode('Concat', [own('tokens'), own('remaining')], own('tap_shape'), { axis: 0 }),
    newNode('Reshape', [value, own('tap_shape')], tapOutput),
  );
  return { nodes, tensors };
}
