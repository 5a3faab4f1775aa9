import type { OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from './onnx-model.js';
import { tensorValues } from './tensor-values.js';

/** A graph with the ways through it: from a value to the node that makes it, and to those that take it. */
export class GraphView {
  readonly graph: OnnxGraph;
  readonly #path: string;
  readonly #producers = new Map<string, OnnxNode>();
  readonly #consumers = new Map<string, OnnxNode[]>();
  readonly #constants: Set<string>;
  readonly #positions = new Map<OnnxNode, number>();

  constructor({ path, graph }: OnnxModel) {
    this.graph = graph;
    this.#path = path;
    this.#constants = new Set(graph.initializers.keys());
    for (const [position, node] of graph.nodes.entries()) {
      this.#positions.set(node, position);
      for (const output of node.outputs) this.#producers.set(output, node);
      // Nodes stand behind those they need, so what they take is known.
      if (makesConstant(node) && node.inputs.every((input) => input === '' || this.#constants.has(input))) {
        for (const output of node.outputs) this.#constants.add(output);
      }
      for (const input of new Set(node.inputs)) {
        const others = this.#consumers.get(input);
        if (others === undefined) this.#consumers.set(input, [node]);
        else others.push(node);
      }
    }
  }

  producer(value: string): OnnxNode | undefined {
    return this.#producers.get(value);
  }

  consumers(value: string): readonly OnnxNode[] {
    return this.#consumers.get(value) ?? [];
  }

  /** Place of a node in the graph's order, in which every node stands behind those it needs. */
  position(node: OnnxNode): number {
    return this.#positions.get(node) as number;
  }

  /** True where a value is the same whatever the text: weights, and what is made from them alone. */
  isConstant(value: string): boolean {
    return this.#constants.has(value);
  }

  /** The weight tensor that a constant value is or is made from (transposed, cast, dequantised); the largest of several. */
  weight(value: string): OnnxTensor | undefined {
    let largest: OnnxTensor | undefined;
    for (const tensor of this.#tensorsBehind(value)) {
      if (largest === undefined || elements(tensor) > elements(largest)) largest = tensor;
    }
    return largest;
  }

  /** The numbers of a small constant (a shape, an axis, a scale); null where it is none. */
  numbers(value: string): number[] | null {
    const initializer = this.graph.initializers.get(value);
    if (initializer !== undefined) return tensorValues(this.#path, initializer);
    const node = this.#producers.get(value);
    if (node === undefined) return null;
    if (node.opType === 'Identity' || node.opType === 'Cast') return this.numbers(node.inputs[0] as string);
    if (node.opType !== 'Constant') return null;
    for (const attribute of node.attributes.values()) {
      if (typeof attribute === 'number') return [attribute];
      if (typeof attribute !== 'object') continue;
      if ('tensor' in attribute) return tensorValues(this.#path, attribute.tensor);
      if (Array.isArray(attribute) && attribute.every((each) => typeof each === 'number')) return attribute;
    }
    return null;
  }

  #tensorsBehind(value: string, depth = 0): OnnxTensor[] {
    const initializer = this.graph.initializers.get(value);
    if (initializer !== undefined) return [initializer];
    const node = this.#producers.get(value);
    if (node === undefined || depth > 8) return [];
    const held = [...node.attributes.values()].flatMap((attribute) =>
      typeof attribute === 'object' && 'tensor' in attribute ? [attribute.tensor] : [],
    );
    return [...held, ...node.inputs.flatMap((input) => (input === '' ? [] : this.#tensorsBehind(input, depth + 1)))];
  }
}

/** Nothing constant comes from chance, nor, as far as one can see, from a branch or a loop. */
function makesConstant({ opType, attributes }: OnnxNode): boolean {
  if (opType.startsWith('Random')) return false;
  return ![...attributes.values()].some((value) => typeof value === 'object' && 'graphs' in value);
}

function elements({ dimensions }: OnnxTensor): number {
  return dimensions.reduce((product, size) => product * size, 1);
}
