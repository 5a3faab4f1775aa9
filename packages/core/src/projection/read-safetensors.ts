import { NerRetrieverError } from '../errors.js';
import type { NamedTensor } from './head-layers.js';

/** The tensors of a .safetensors file. @throws NerRetrieverError HEAD_UNREADABLE. */
export function readSafetensors(bytes: Uint8Array, file: string): Map<string, NamedTensor> {
  const unreadable = (expected: string, received: string, cause?: unknown) =>
    new NerRetrieverError('HEAD_UNREADABLE', { file, expected, received }, { cause });
  if (bytes.length < 8) throw unreadable('a safetensors file', `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > bytes.length - 8) {
    throw unreadable('a header within the file', `a header of ${headerLength} bytes in a file of ${bytes.length}`);
  }
  const header = parseHeader(bytes.subarray(8, 8 + headerLength));
  const payload = bytes.subarray(8 + headerLength);

  const tensors = new Map<string, NamedTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    if (dtype !== 'F32') throw unreadable(`float32 (F32) for ${name}`, JSON.stringify(dtype) ?? 'nothing');
    if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
      throw unreadable(`a shape and two offsets for ${name}`, JSON.stringify({ shape, data_offsets: offsets }));
    }
    const [begin, end] = offsets as [number, number];
    const count = shape.reduce((product, size) => product * size, 1);
    if (begin > end || end > payload.length || end - begin !== 4 * count) {
      throw unreadable(
        `${4 * count} bytes within the ${payload.length} of the file for ${name} [${shape.join(', ')}]`,
        `bytes ${begin} to ${end}`,
      );
    }
    // Copied: the file's float32 need not be aligned.
    tensors.set(name, { shape, data: new Float32Array(new Uint8Array(payload.subarray(begin, end)).buffer) });
  }
  return tensors;

  function parseHeader(json: Uint8Array): Record<string, unknown> {
    let header: unknown;
    try {
      header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
    } catch (cause) {
      throw unreadable('a JSON header', (cause as Error).message, cause);
    }
    if (typeof header !== 'object' || header === null)
      throw unreadable('a JSON object as header', JSON.stringify(header));
    return header as Record<string, unknown>;
  }
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && one >= 0);
}
