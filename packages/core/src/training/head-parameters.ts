import type { HeadWeights } from '../projection/head-layers.js';
import { seededRandom } from './seeded-random.js';

export interface HeadShape {
  readonly inputDimensions: number;
  readonly hiddenDimensions: number;
  readonly outputDimensions: number;
  readonly gate: boolean;
}

/**
 * Weights and biases between ±1/√inputs, as PyTorch begins its linear layers; the gate begins half open. All in one array, in the order
 * that the native trainer keeps: gate, weight 1, bias 1, weight 2, bias 2.
 */
export function initialParameters(shape: HeadShape, seed: number): Float32Array {
  const { inputDimensions, hiddenDimensions, outputDimensions } = shape;
  // Of no epoch: those count from 1, and the parting of the types is 0.
  const random = seededRandom(seed, -1);
  const gate = shape.gate ? inputDimensions : 0;
  const first = hiddenDimensions * inputDimensions + hiddenDimensions;
  const parameters = new Float32Array(gate + first + outputDimensions * hiddenDimensions + outputDimensions);
  const fill = (begin: number, end: number, inputs: number) => {
    for (let i = begin; i < end; i++) parameters[i] = (2 * random() - 1) / Math.sqrt(inputs);
  };
  fill(gate, gate + first, inputDimensions);
  fill(gate + first, parameters.length, hiddenDimensions);
  return parameters;
}

/** The one array as a head's weights. */
export function weightsOf(parameters: Float32Array, shape: HeadShape): HeadWeights {
  const { inputDimensions, hiddenDimensions, outputDimensions } = shape;
  let at = 0;
  const take = (count: number) => {
    at += count;
    return parameters.slice(at - count, at);
  };
  const layer = (inputs: number, outputs: number) => ({
    weight: take(outputs * inputs),
    bias: take(outputs),
    inputDimensions: inputs,
    outputDimensions: outputs,
  });
  const gate = shape.gate ? take(inputDimensions) : null;
  const first = layer(inputDimensions, hiddenDimensions);
  return { gate, layers: [first, layer(hiddenDimensions, outputDimensions)] };
}
