import { NerRetrieverError } from '../errors.js';
import type { NamedTensor } from './head-layers.js';
import { type PickledTensor, readLegacyStateDict, readStateDict } from './read-state-dict.js';
import { storedZipEntries } from './stored-zip.js';

/**
 * The float32 tensors of a state dict that `torch.save` wrote: a zip archive, or before PyTorch 1.6 pickles in a row.
 *
 * @throws NerRetrieverError HEAD_UNREADABLE.
 */
export function readPytorch(bytes: Uint8Array, file: string): Map<string, NamedTensor> {
  const expected = 'a state dict as torch.save(module.state_dict(), file) writes it, or a .safetensors file';
  try {
    return bytes[0] === 0x80 ? readLegacy(bytes) : readTensors(storedZipEntries(bytes));
  } catch (cause) {
    // Whatever a hostile file makes the readers throw (a TypeError of the UTF-8 decoder, say) is a fault of the file.
    const received = (cause as Error).message;
    throw new NerRetrieverError('HEAD_UNREADABLE', { file, expected, received }, { cause });
  }
}

function readLegacy(bytes: Uint8Array): Map<string, NamedTensor> {
  const { tensors, storages } = readLegacyStateDict(bytes);
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name,
      { shape: tensor.shape, data: read(name, tensor, storages.get(tensor.storage)) },
    ]),
  );
}

function readTensors(entries: ReadonlyMap<string, Uint8Array>): Map<string, NamedTensor> {
  const pickleName = [...entries.keys()].find((name) => name === 'data.pkl' || name.endsWith('/data.pkl'));
  if (pickleName === undefined) throw new RangeError('a zip archive without data.pkl');
  const root = pickleName.slice(0, -'data.pkl'.length);
  const byteOrder = entries.get(`${root}byteorder`);
  if (byteOrder !== undefined && new TextDecoder().decode(byteOrder) !== 'little') {
    throw new RangeError('tensors that are not little-endian');
  }
  const tensors = new Map<string, NamedTensor>();
  for (const [name, tensor] of readStateDict(entries.get(pickleName) as Uint8Array)) {
    tensors.set(name, { shape: tensor.shape, data: read(name, tensor, entries.get(`${root}data/${tensor.storage}`)) });
  }
  return tensors;
}

/** Copies a tensor out of its storage, row-major and compact. */
function read(name: string, tensor: PickledTensor, storage: Uint8Array | undefined): Float32Array {
  const { elements, offset, shape, strides } = tensor;
  if (storage === undefined) throw new RangeError(`${name} without its storage ${tensor.storage}`);
  if (storage.length !== 4 * elements) {
    throw new RangeError(`a storage of ${storage.length} bytes for ${name}, which says it has ${elements} float32`);
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const last = offset + shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] as number), 0);
  if (count === 0 || count > elements || last >= elements) {
    throw new RangeError(`${name} [${shape.join(', ')}] at ${offset}, outside its storage of ${elements} float32`);
  }
  const source = new DataView(storage.buffer, storage.byteOffset, storage.byteLength);
  const data = new Float32Array(count);
  const index = shape.map(() => 0);
  for (let i = 0, at = offset; i < count; i++) {
    data[i] = source.getFloat32(4 * at, true);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      if (index[axis] !== shape[axis]) break;
      at -= (shape[axis] as number) * (strides[axis] as number);
      index[axis] = 0;
    }
  }
  return data;
}
