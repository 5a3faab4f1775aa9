/**
 * The entries of a zip archive that is stored, not compressed, as PyTorch writes it: name to bytes, without a copy.
 *
 * @throws RangeError where an entry is compressed, encrypted, or does not lie in the file.
 */
export function storedZipEntries(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const directoryEnd = findDirectoryEnd(view);
  const count = view.getUint16(directoryEnd + 10, true);
  const entries = new Map<string, Uint8Array>();
  let at = view.getUint32(directoryEnd + 16, true);
  for (let i = 0; i < count; i++) {
    if (at + 46 > directoryEnd || view.getUint32(at, true) !== DIRECTORY_ENTRY) {
      throw new RangeError(`a zip directory of ${count} entries that ends after ${i}`);
    }
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const compressed = view.getUint32(at + 20, true);
    const size = view.getUint32(at + 24, true);
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const commentLength = view.getUint16(at + 32, true);
    const local = view.getUint32(at + 42, true);
    const name = utf8.decode(bytes.subarray(at + 46, at + 46 + nameLength));
    if (method !== 0 || compressed !== size) throw new RangeError(`a compressed entry, ${JSON.stringify(name)}`);
    if ((flags & 1) === 1) throw new RangeError(`an encrypted entry, ${JSON.stringify(name)}`);
    if (entries.has(name)) throw new RangeError(`two entries named ${JSON.stringify(name)}`);
    entries.set(name, content(local, size, name));
    at += 46 + nameLength + extraLength + commentLength;
  }
  return entries;

  function content(local: number, size: number, name: string): Uint8Array {
    if (local + 30 > bytes.length || view.getUint32(local, true) !== LOCAL_HEADER) {
      throw new RangeError(`an entry ${JSON.stringify(name)} that points to byte ${local}, where none begins`);
    }
    const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (begin + size > bytes.length) {
      throw new RangeError(
        `an entry ${JSON.stringify(name)} of ${size} bytes at ${begin} in a file of ${bytes.length}`,
      );
    }
    return bytes.subarray(begin, begin + size);
  }
}

const DIRECTORY_END = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;

const utf8 = new TextDecoder();

/** The record is the file's last, before a comment of at most 65,535 bytes. */
function findDirectoryEnd(view: DataView): number {
  const earliest = Math.max(0, view.byteLength - 22 - 0xffff);
  for (let at = view.byteLength - 22; at >= earliest; at--) {
    if (view.getUint32(at, true) === DIRECTORY_END) return at;
  }
  throw new RangeError('no zip archive, or one that is cut off');
}
