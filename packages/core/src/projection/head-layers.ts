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

/**
 * The linear layers of a head, in the order of their places in the torch module (`net.0`, `net.3`: the places between are the
 * activation and the dropout).
 *
 * @throws NerRetrieverError HEAD_UNREADABLE where the tensors are no chain of linear layers.
 */
export function headLayers(tensors: ReadonlyMap<string, NamedTensor>, file: string): LinearLayer[] {
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
