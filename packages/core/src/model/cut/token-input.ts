import { NerRetrieverError } from '../../errors.js';
import { weightShape } from '../blocks/weight-shape.js';
import { elementTypes } from '../onnx/element-type.js';
import type { GraphView } from '../onnx/graph-view.js';

/**
 * The graph's input for token ids: `input_ids`, or the only integer input that looks rows of a weight up.
 *
 * @throws NerRetrieverError MODEL_INPUT_UNKNOWN where there is none, or there are several.
 */
export function findTokenInput(view: GraphView, file: string): string {
  const { inputs } = view.graph;
  if (inputs.some(({ name }) => name === 'input_ids')) return 'input_ids';
  const integers = [elementTypes.int32.code, elementTypes.int64.code] as readonly number[];
  const candidates = inputs.filter(
    ({ name, dataType, shape }) =>
      integers.includes(dataType) &&
      shape?.length === 2 &&
      embeddingRows(view, name) !== null &&
      !/type|position/.test(name),
  );
  if (candidates.length === 1) return candidates[0]?.name as string;
  const received = inputs.map(({ name }) => name).join(', ') || 'none';
  throw new NerRetrieverError('MODEL_INPUT_UNKNOWN', { file, received });
}

/** Rows of the weight in which an input's ids are looked up; null where they are not. */
export function embeddingRows(view: GraphView, input: string): number | null {
  const values = [input];
  for (const value of values) {
    for (const { opType, inputs, outputs } of view.consumers(value)) {
      if (opType === 'Gather' && inputs[1] === value) return weightShape(view, inputs[0] as string)?.[0] ?? null;
      if (opType === 'EmbedLayerNormalization' && inputs[0] === value)
        return weightShape(view, inputs[2] as string)?.[0] ?? null;
      if (opType === 'GatherBlockQuantized') return weightShape(view, inputs[0] as string)?.[0] ?? null;
      if (['Cast', 'Identity', 'Reshape', 'Clip', 'Unsqueeze'].includes(opType) && values.length < 16)
        values.push(outputs[0] as string);
    }
  }
  return null;
}
