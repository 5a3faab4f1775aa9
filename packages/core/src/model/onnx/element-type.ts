import type { OnnxTensor } from './onnx-model.js';

/** ONNX's numbers of element types (TensorProto.DataType), and the bits an element takes. */
export const elementTypes = {
  float32: { code: 1, bits: 32 },
  uint8: { code: 2, bits: 8 },
  int8: { code: 3, bits: 8 },
  uint16: { code: 4, bits: 16 },
  int16: { code: 5, bits: 16 },
  int32: { code: 6, bits: 32 },
  int64: { code: 7, bits: 64 },
  bool: { code: 9, bits: 8 },
  float16: { code: 10, bits: 16 },
  float64: { code: 11, bits: 64 },
  uint32: { code: 12, bits: 32 },
  uint64: { code: 13, bits: 64 },
  bfloat16: { code: 16, bits: 16 },
  uint4: { code: 21, bits: 4 },
  int4: { code: 22, bits: 4 },
} as const;

export type ElementType = keyof typeof elementTypes;

const names = new Map(Object.entries(elementTypes).map(([name, { code }]) => [code as number, name as ElementType]));

/** The name of an element type; undefined for the rare ones that no encoder holds (strings, complex numbers, 8-bit floats). */
export function elementType(code: number): ElementType | undefined {
  return names.get(code);
}

/** Bytes of a tensor's values by its shape and type; 0 for a type that is not known. */
export function tensorBytes({ dataType, dimensions }: Pick<OnnxTensor, 'dataType' | 'dimensions'>): number {
  const type = elementType(dataType);
  const bits = type === undefined ? 0 : elementTypes[type].bits;
  return Math.ceil((dimensions.reduce((product, size) => product * size, 1) * bits) / 8);
}
