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
 * Cuts a graph at its taps: keeps their ancestors alone, gives them an empty cache, and takes the taps out as float32, the
 * columns of several side by side.
 *
 * @throws NerRetrieverError MODEL_INPUT_UNKNOWN.
 */
export function cutGraph(model: OnnxModel, view: GraphView, taps: readonly Tap[], cache: CacheShape): CutGraph {
  const { graph } = view;
  const needed = new Set(taps.flatMap(tensorsOf));
  const kept: OnnxNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    kept.push(node);
    for (const name of namesTaken(node)) needed.add(name);
  }
  const inputs = graph.inputs.filter(({ name }) => needed.has(name));
  const before = standIns(model.path, inputs, findTokenInput(view, model.path), cache);
  const behind = tapNodes(taps);
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

function tensorsOf({ tensor, addend, projection }: Tap): string[] {
  return [tensor, addend, projection?.weight, projection?.bias].filter((name) => typeof name === 'string');
}

/** From the taps' tensors to [batch, tokens, dimensions] in float32. */
function tapNodes(taps: readonly Tap[]): Pick<CutGraph, 'nodes' | 'tensors'> {
  const [tokens, remaining, shape] = [own('tokens'), own('remaining'), own('tap_shape')];
  // [batch × tokens, dimensions] where a layer took its rows flattened.
  const tensors = [newIntegers(remaining, [-1])];
  const nodes = [newNode('Shape', [tokenInput], tokens), newNode('Concat', [tokens, remaining], shape, { axis: 0 })];
  const parts = taps.map((tap, place) => {
    const part = taps.length === 1 ? tapOutput : own(`tap_${place}`);
    let value = tap.tensor;
    const then = (opType: string, others: readonly string[], step: string, attributes = {}) => {
      const output = step === '' ? part : own(`${step}_${place}`);
      nodes.push(newNode(opType, [value, ...others], output, attributes));
      value = output;
    };
    if (tap.projection !== undefined) {
      then('MatMul', [tap.projection.weight], 'projected');
      if (tap.projection.bias !== null) then('Add', [tap.projection.bias], 'biased');
    }
    if (tap.addend !== undefined) then('Add', [tap.addend], 'summed');
    if (tap.columns !== undefined) {
      tensors.push(newIntegers(own(`columns_${place}`), tap.columns));
      then('Gather', [own(`columns_${place}`)], 'selected', { axis: -1 });
    }
    then('Cast', [], 'float', { to: elementTypes.float32.code });
    then('Reshape', [shape], '');
    return part;
  });
  if (parts.length > 1) nodes.push(newNode('Concat', parts, tapOutput, { axis: -1 }));
  return { nodes, tensors };
}
