import { readFileSync } from 'node:fs';

/** A .npy file of little-endian float64 or float32, C order. */
export interface GoldenArray {
  readonly shape: readonly number[];
  readonly data: Float64Array | Float32Array;
}

export function readGoldenArray(path: string): GoldenArray {
  const bytes = readFileSync(path);
  const begin = 10 + bytes.readUInt16LE(8);
  const header = bytes.subarray(10, begin).toString('latin1');
  const [, type] = /'descr': '<(f8|f4)'/.exec(header) ?? [];
  const [, sizes = ''] = /'shape': \(([^)]*)\)/.exec(header) ?? [];
  if (type === undefined || header.includes("'fortran_order': True")) throw new Error(`${path}: ${header}`);
  const shape = sizes.split(',').map(Number).filter(Boolean);
  const values = bytes.buffer.slice(bytes.byteOffset + begin, bytes.byteOffset + bytes.length) as ArrayBuffer;
  return { shape, data: type === 'f8' ? new Float64Array(values) : new Float32Array(values) };
}
