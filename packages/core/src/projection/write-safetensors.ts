import { open, rename, rm } from 'node:fs/promises';
import type { NamedTensor } from './head-layers.js';

/**
 * Writes tensors as a .safetensors file. The file is there whole or not at all: it is written beside its place, synced, and moved there.
 *
 * @param metadata texts for whoever reads the file, in its header
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header: Record<string, unknown> = Object.keys(metadata).length === 0 ? {} : { __metadata__: metadata };
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  // The values begin at a multiple of eight bytes.
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));

  const unfinished = `${path}.unfinished`;
  try {
    const file = await open(unfinished, 'w');
    try {
      await file.writeFile(length);
      await file.writeFile(padded);
      for (const { data } of tensors.values()) await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
