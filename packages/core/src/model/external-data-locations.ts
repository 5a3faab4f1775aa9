import { type ByteSource, FileBytes } from './onnx/byte-source.js';
import { protobufFields } from './onnx/protobuf-fields.js';

/**
 * Where an ONNX file keeps tensors outside itself: the `location` of every external tensor, as written. ONNX Runtime opens
 * these paths, so a folder that is opened must have them checked first.
 *
 * Only lengths and the few fields on the way to a tensor are read; weights are skipped, not copied.
 *
 * @throws RangeError where a length reaches beyond the file.
 */
export function externalDataLocations(onnx: ByteSource): string[] {
  const locations = new Set<string>();
  visit(0, onnx.length, 'model');
  return [...locations];

  function visit(begin: number, end: number, kind: MessageKind): void {
    const children = childrenOf[kind];
    let key = '';
    let value = '';
    for (const { number, payloadBegin, end: payloadEnd } of protobufFields(onnx, begin, end)) {
      if (kind === 'entry') {
        const text = () => utf8.decode(onnx.read(payloadBegin, payloadEnd - payloadBegin));
        if (number === 1) key = text();
        if (number === 2) value = text();
      }
      const child = children[number];
      if (child !== undefined) visit(payloadBegin, payloadEnd, child);
    }
    if (kind === 'entry' && key === 'location') locations.add(value);
  }
}

/** `externalDataLocations` of a file, of which only the graph is read. */
export function externalDataLocationsOf(path: string): string[] {
  using onnx = new FileBytes(path);
  return externalDataLocations(onnx);
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
