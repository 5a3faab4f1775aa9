import { NerRetrieverError } from '../errors.js';

/** A tensor of a weights file: float32, row-major and compact. */
export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A linear layer as in torch: weight [out, in] row-major, bias [out]. */
export interface LinearLayer {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly inputDimensions: number;
  readonly outputDimensions: number;
}

/** What a head is made of. */
export interface HeadWeights {
  /** Numbers whose sigmoids multiply the inputs before the first layer; null where there is no gate. */
  readonly gate: Float32Array | null;
  readonly layers: readonly LinearLayer[];
}

/**
 * The weights of a head: a tensor named gate, if there is one, and the linear layers.
 *
 * @throws NerRetrieverError HEAD_UNREADABLE where the tensors are no such head.
 */
export function headWeights(tensors: ReadonlyMap<string, NamedTensor>, file: string): HeadWeights {
  const gateName = [...tensors.keys()].find((name) => name === 'gate' || name.endsWith('.gate'));
  const layers = headLayers(new Map([...tensors].filter(([name]) => name !== gateName)), file);
  const gate = gateName === undefined ? null : (tensors.get(gateName) as NamedTensor);
  const inputs = (layers[0] as LinearLayer).inputDimensions;
  if (gate !== null && (gate.shape.length !== 1 || gate.shape[0] !== inputs)) {
    const received = `[${gate.shape.join(', ')}]`;
    throw new NerRetrieverError('HEAD_UNREADABLE', { file, expected: `a gate of [${inputs}]`, received });
  }
  return { gate: gate?.data ?? null, layers };
}

/** The same head without a gate: its factors are taken into the columns of the first layer. */
export function foldGate({ gate, layers }: HeadWeights): readonly LinearLayer[] {
  const [first, ...rest] = layers;
  if (gate === null || first === undefined) return layers;
  const factors = Array.from(gate, (value) => 1 / (1 + Math.exp(-value)));
  const weight = first.weight.map((value, i) => value * (factors[i % factors.length] as number));
  return [{ ...first, weight }, ...rest];
}

/**
 * The linear layers of a head, in the order of their places in the torch module (`net.0`, `net.3`: the places between are the
 * activation and the dropout).
 *
 * @throws NerRetrieverError HEAD_UNREADABLE where the tensors are no chain of linear layers.
 */
function headLayers(tensors: ReadonlyMap<string, NamedTensor>, file: string): LinearLayer[] {
  const unreadable = (expected: string, received: string) =>
    new NerRetrieverError('HEAD_UNREADABLE', { file, expected, received });
  const places = [...tensors.keys()].map((name) => {
    const match = /^((?:.*\.)?(\d+))\.(weight|bias)$/.exec(name);
    if (match === null) throw unreadable('tensors named like net.0.weight and net.0.bias', name);
    return { layer: match[1] as string, place: Number(match[2]) };
  });
  const names = [...new Map(places.map(({ layer, place }) => [layer, place]))]
    .sort(([, a], [, b]) => a - b)
    .map(([name]) => name);
  if (names.length === 0) throw unreadable('at least one linear layer', 'no tensor');

  const layers = names.map((name) => {
    const weight = tensors.get(`${name}.weight`);
    const bias = tensors.get(`${name}.bias`);
    if (weight === undefined || bias === undefined)
      throw unreadable('a weight and a bias for each layer', `${name} without one`);
    const [outputs, inputs] = weight.shape;
    if (weight.shape.length !== 2 || !outputs || !inputs || bias.shape.length !== 1 || bias.shape[0] !== outputs) {
      throw unreadable(
        `${name}.weight [out, in] and ${name}.bias [out]`,
        `[${weight.shape.join(', ')}] and [${bias.shape.join(', ')}]`,
      );
    }
    return { weight: weight.data, bias: bias.data, inputDimensions: inputs, outputDimensions: outputs };
  });
  for (const [i, layer] of layers.entries()) {
    const before = layers[i - 1];
    if (before !== undefined && before.outputDimensions !== layer.inputDimensions) {
      throw unreadable(
        `${names[i]} to take the ${before.outputDimensions} values that ${names[i - 1]} gives`,
        `${layer.inputDimensions}`,
      );
    }
  }
  return layers;
}
