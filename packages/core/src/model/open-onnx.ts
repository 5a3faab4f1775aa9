import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NerRetrieverError } from '../errors.js';
import { inlineBranches } from './cut/inline-branches.js';
import { externalDataLocationsOf } from './external-data-locations.js';
import type { OnnxModel } from './onnx/onnx-model.js';
import { readOnnxModel } from './onnx/read-onnx-model.js';
import { staysInside } from './stays-inside.js';

/**
 * Reads the graph of an ONNX file, and checks where it keeps its weights before anybody looks there.
 *
 * @throws NerRetrieverError MODEL_GRAPH_BROKEN, MODEL_WEIGHTS_MISSING.
 */
export function openOnnx(file: string): OnnxModel {
  const broken = (expected: string, received: string, cause?: unknown) =>
    new NerRetrieverError('MODEL_GRAPH_BROKEN', { file, expected, received }, { cause });
  try {
    for (const location of externalDataLocationsOf(file)) {
      if (!staysInside(location)) throw broken('weights within its folder', JSON.stringify(location));
      const data = join(dirname(file), location);
      if (statSync(data, { throwIfNoEntry: false })?.isFile()) continue;
      const missing = { file: data, tensor: file, expected: 'a file of weights', received: 'none' };
      throw new NerRetrieverError('MODEL_WEIGHTS_MISSING', missing);
    }
    const model = readOnnxModel(file);
    return { ...model, graph: inlineBranches(model.graph) };
  } catch (cause) {
    if (cause instanceof RangeError) throw broken('a whole ONNX file', cause.message, cause);
    throw cause;
  }
}
