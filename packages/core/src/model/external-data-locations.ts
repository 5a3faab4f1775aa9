/**
 * Where an ONNX file keeps tensors outside itself: the `location` of every external tensor, as written. ONNX Runtime opens
 * these paths, so a folder that is opened must have them checked first.
 *
 * Only lengths and the few fields on the way to a tensor are read; weights are skipped, not copied.
 *
 * @throws RangeError where a length reaches beyond the file.
 */
export function externalDataLocations(onnx: Uint8Array): string[] {
  const locations = new Set<string>();
  visit(onnx, 'model');
  return [...locations];

  function visit(message: Uint8Array, kind: MessageKind): void {
    const children = childrenOf[kind];
    let key = '';
    let value = '';
    for (const { field, bytes } of lengthDelimitedFields(message)) {
      if (kind === 'entry') {
        if (field === 1) key = utf8.decode(bytes);
        if (field === 2) value = utf8.decode(bytes);
      }
      const child = children[field];
      if (child !== undefined) visit(bytes, child);
    }
    if (kind === 'entry' && key === 'location') locations.add(value);
  }
}

type MessageKind = 'model' | 'function' | 'graph' | 'node' | 'attribute' | 'sparse' | 'tensor' | 'entry';

/** Field numbers of onnx.proto that lead to a tensor's `external_data`. */
const childrenOf: { readonly [kind in MessageKind]: { readonly [field: number]: MessageKind } } = {
  model: { 7: 'graph', 25: 'function' },
  function: { 7: 'node' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'entry' },
  entry: {},
};

const utf8 = new TextDecoder();

function* lengthDelimitedFields(message: Uint8Array): Generator<{ field: number; bytes: Uint8Array }> {
  let at = 0;
  while (at < message.length) {
    const tag = varint();
    const wireType = tag % 8;
    if (wireType === 0) varint();
    else if (wireType === 1) skip(8);
    else if (wireType === 5) skip(4);
    else if (wireType === 2) {
      const length = varint();
      const begin = at;
      skip(length);
      yield { field: Math.floor(tag / 8), bytes: message.subarray(begin, at) };
    } else throw new RangeError(`wire type ${wireType} at byte ${at}`);
  }

  function varint(): number {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++];
      if (byte === undefined || shift > 2 ** 63) throw new RangeError(`a number without an end at byte ${at}`);
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  }
  function skip(length: number): void {
    if (length > message.length - at) throw new RangeError(`${length} bytes asked for, ${message.length - at} left`);
    at += length;
  }
}
