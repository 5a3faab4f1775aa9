import type { OnnxNode } from './onnx/onnx-model.js';

/** Operators that take their scale over all of their input, the texts beside and the padding included. */
const wholeInputScales = new Set([
  'DynamicQuantizeLinear',
  'DynamicQuantizeMatMul',
  'DynamicQuantizeLSTM',
  'QAttention',
]);

/** True where a text's vectors depend on the texts that run beside it. */
export function isBatchDependent(nodes: readonly OnnxNode[]): boolean {
  return nodes.some(({ opType }) => wholeInputScales.has(opType));
}
