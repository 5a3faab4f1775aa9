import { writeFile } from 'node:fs/promises';
import type { LinearLayer } from './head-layers.js';

/** Writes the layers of a projection head as .safetensors, named as in the published head: net.0, net.3 and so on. */
export async function writeHead(path: string, layers: readonly LinearLayer[]): Promise<void> {
  const header: Record<string, unknown> = {};
  const tensors: Float32Array[] = [];
  let offset = 0;
  const add = (name: string, shape: readonly number[], data: Float32Array) => {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
    tensors.push(data);
  };
  for (const [i, { weight, bias, inputDimensions, outputDimensions }] of layers.entries()) {
    add(`net.${3 * i}.weight`, [outputDimensions, inputDimensions], weight);
    add(`net.${3 * i}.bias`, [outputDimensions], bias);
  }
  const json = JSON.stringify(header);
  // The values begin at a multiple of eight bytes.
  const padded = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  await writeFile(path, [length, padded, ...tensors]);
}
