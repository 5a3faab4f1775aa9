import { NerRetrieverError } from '../errors.js';
import type { NamedTensor } from './head-layers.js';
import { storedZipEntries } from './stored-zip.js';

/** The arrays of an .npz file, as `numpy.savez` writes it. @throws NerRetrieverError HEAD_UNREADABLE. */
export function readNpz(bytes: Uint8Array, file: string): Map<string, NamedTensor> {
  try {
    const tensors = new Map<string, NamedTensor>();
    for (const [entry, content] of storedZipEntries(bytes)) {
      if (!entry.endsWith('.npy')) throw new RangeError(`an entry ${JSON.stringify(entry)} that is no .npy`);
      const name = entry.slice(0, -'.npy'.length);
      tensors.set(name, readNpy(content, name));
    }
    return tensors;
  } catch (cause) {
    const expected = 'float32 arrays named like net.0.weight, as numpy.savez (not savez_compressed) writes them';
    throw new NerRetrieverError('HEAD_UNREADABLE', { file, expected, received: (cause as Error).message }, { cause });
  }
}

/** An array: six bytes that name the format, its version, the length of a header, the header (a Python dict), the values. */
function readNpy(bytes: Uint8Array, name: string): NamedTensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (latin1(bytes, 0, 6) !== '\x93NUMPY') throw new RangeError(`${name}, which is no .npy`);
  const first = view.getUint8(6) === 1;
  const begin = first ? 10 : 12;
  const length = first ? view.getUint16(8, true) : view.getUint32(8, true);
  if (begin + length > bytes.length) throw new RangeError(`${name}, whose header is cut off`);
  const header = latin1(bytes, begin, begin + length);

  const type = /'descr': *'([^']*)'/.exec(header)?.[1];
  if (type !== '<f4') throw new RangeError(`${name} of type ${JSON.stringify(type) ?? 'unknown'}: save it as float32`);
  if (!/'fortran_order': *False/.test(header))
    throw new RangeError(`${name} in Fortran's order: save numpy.ascontiguousarray of it`);
  const sizes = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1];
  if (sizes === undefined) throw new RangeError(`${name} without a shape`);
  const shape = sizes.split(',').flatMap((size) => (size.trim() === '' ? [] : [Number(size)]));
  const count = shape.reduce((product, size) => product * size, 1);
  const values = bytes.subarray(begin + length);
  if (values.length !== 4 * count)
    throw new RangeError(`${name} [${shape.join(', ')}] with ${values.length} bytes of values`);
  // Copied: the file's float32 need not be aligned.
  return { shape, data: new Float32Array(new Uint8Array(values).buffer) };
}

function latin1(bytes: Uint8Array, begin: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + begin, end - begin).toString('latin1');
}
