import type { OnnxModel } from '../onnx/onnx-model.js';
import type { CutGraph } from './cut-graph.js';
import { modelParts } from './model-parts.js';
import { weightsAsInputs } from './place-weights.js';
import { readParts } from './write-parts.js';

/**
 * A cut model with its large weights as inputs, and one tensor more as an output: ONNX Runtime checks its operators, types and
 * shapes, tells those of the tensor, and no weight is read.
 */
export async function weightlessModel(model: OnnxModel, cut: CutGraph, output: string): Promise<Uint8Array> {
  const { tensors, inputs } = await weightsAsInputs(model, cut.weights);
  const pieces: Uint8Array[] = [];
  for await (const piece of readParts(modelParts(model, cut, [...cut.tensors, ...tensors], { inputs, output })))
    pieces.push(piece.slice());
  return Buffer.concat(pieces);
}
