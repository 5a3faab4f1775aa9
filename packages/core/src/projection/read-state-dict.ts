/** A tensor as a pickle describes it: a view of a storage, in elements. */
export interface PickledTensor {
  /** Name of the storage's entry under `data/`. */
  readonly storage: string;
  /** Elements that the pickle says the storage has. */
  readonly elements: number;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/**
 * Reads the pickle of a PyTorch state dict. Nothing in it is ever run: the three names that such a pickle needs are known
 * here as plain data, and every other name, opcode or call ends the reading.
 *
 * @throws RangeError with what came.
 */
export function readStateDict(pickle: Uint8Array): Map<string, PickledTensor> {
  return stateDictOf(new PickleReader(pickle).read());
}

/**
 * Reads a state dict in PyTorch's format before 1.6: pickles one after the other (a magic number, a version, facts of the system, the
 * state dict, the names of its storages), then each storage, its number of elements before it. Nothing in it is ever run.
 *
 * @throws RangeError with what came.
 */
export function readLegacyStateDict(bytes: Uint8Array): {
  tensors: Map<string, PickledTensor>;
  storages: Map<string, Uint8Array>;
} {
  const reader = new PickleReader(bytes);
  if (reader.read() !== LEGACY_MAGIC) throw new RangeError('a bare pickle that torch.save did not write');
  if (reader.read() !== LEGACY_VERSION)
    throw new RangeError("another version of PyTorch's format before 1.6 than 1001");
  const system = reader.read();
  if (!(system instanceof Map) || system.get('little_endian') !== true) {
    throw new RangeError('tensors that are not little-endian');
  }
  const tensors = stateDictOf(reader.read());
  const names = reader.read();
  if (!Array.isArray(names)) throw new RangeError('a file without the names of its storages');

  const storages = new Map<string, Uint8Array>();
  for (const name of names) {
    if (typeof name !== 'string') throw new RangeError('a storage whose name is no text');
    const length = 4 * reader.count();
    storages.set(name, reader.bytes(length));
  }
  return { tensors, storages };
}

function stateDictOf(root: Value): Map<string, PickledTensor> {
  if (!(root instanceof Map)) throw new RangeError('a pickle that holds no dict');
  const tensors = new Map<string, PickledTensor>();
  for (const [name, value] of root) {
    if (typeof name !== 'string' || !(value instanceof Tensor)) {
      throw new RangeError(`a dict whose ${JSON.stringify(name)} is no tensor: save the module's state_dict() alone`);
    }
    tensors.set(name, value);
  }
  return tensors;
}

class Name {
  constructor(readonly text: string) {}
}

class Storage {
  constructor(
    readonly key: string,
    readonly elements: number,
  ) {}
}

class Tensor implements PickledTensor {
  constructor(
    readonly storage: string,
    readonly elements: number,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

type Value = null | boolean | number | bigint | string | Value[] | Map<Value, Value> | Name | Storage | Tensor;

const ORDERED_DICT = 'collections.OrderedDict';
const REBUILD_TENSOR = 'torch._utils._rebuild_tensor_v2';
const FLOAT_STORAGE = 'torch.FloatStorage';
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_VERSION = 1001;

class PickleReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #stack: Value[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Value>();
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The next pickle: there may be several in a row, which know nothing of each other. */
  read(): Value {
    this.#stack.length = 0;
    this.#marks.length = 0;
    this.#memo.clear();
    for (;;) {
      const opcode = String.fromCharCode(this.#byte());
      if (opcode === STOP) return this.#pop();
      const step = this.#steps[opcode];
      if (step === undefined) {
        const code = `0x${opcode.charCodeAt(0).toString(16)}`;
        throw new RangeError(`a pickle with the opcode ${code}, which no state dict needs`);
      }
      step();
    }
  }

  /** The int64 behind the pickles. */
  count(): number {
    const count = Number(this.#view.getBigInt64(this.#take(8), true));
    if (!isCount(count)) throw new RangeError(`a storage of ${count} elements`);
    return count;
  }

  bytes(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) {
      throw new RangeError(`a storage of ${length} bytes where ${this.#bytes.length - this.#at} are left`);
    }
    const begin = this.#take(length);
    return this.#bytes.subarray(begin, begin + length);
  }

  /** Opcodes of protocol 2, by their letters in Python's pickletools; those that a state dict does not need are not here. */
  readonly #steps: { readonly [opcode: string]: () => void } = {
    '\x80': () => this.#checkProtocol(this.#byte()),
    '(': () => this.#marks.push(this.#stack.length),
    ')': () => this.#stack.push([]),
    ']': () => this.#stack.push([]),
    '}': () => this.#stack.push(new Map()),
    N: () => this.#stack.push(null),
    '\x88': () => this.#stack.push(true),
    '\x89': () => this.#stack.push(false),
    J: () => this.#stack.push(this.#view.getInt32(this.#take(4), true)),
    K: () => this.#stack.push(this.#byte()),
    M: () => this.#stack.push(this.#view.getUint16(this.#take(2), true)),
    '\x8a': () => this.#stack.push(this.#long(this.#byte())),
    X: () => this.#stack.push(this.#text(this.#uint32())),
    q: () => this.#remember(this.#byte()),
    r: () => this.#remember(this.#uint32()),
    h: () => this.#recall(this.#byte()),
    j: () => this.#recall(this.#uint32()),
    '\x85': () => this.#stack.push(this.#popMany(1)),
    '\x86': () => this.#stack.push(this.#popMany(2)),
    '\x87': () => this.#stack.push(this.#popMany(3)),
    t: () => this.#stack.push(this.#popToMark()),
    a: () => this.#append(this.#popMany(1)),
    e: () => this.#append(this.#popToMark()),
    s: () => this.#setItems(this.#popMany(2)),
    u: () => this.#setItems(this.#popToMark()),
    c: () => this.#stack.push(knownName(`${this.#line()}.${this.#line()}`)),
    Q: () => this.#stack.push(storage(this.#pop())),
    R: () => this.#reduce(),
    b: () => this.#build(),
  };

  #checkProtocol(protocol: number): void {
    if (protocol !== 2) throw new RangeError(`a pickle of protocol ${protocol}, not 2`);
  }

  #reduce(): void {
    const values = this.#pop();
    this.#stack.push(reduced(this.#pop(), values));
  }

  /** The attributes of the dict (`_metadata`: versions of the modules) say nothing about tensors. */
  #build(): void {
    this.#pop();
    if (!(this.#stack.at(-1) instanceof Map)) throw new RangeError('a pickle that builds an object other than a dict');
  }

  #byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  #take(length: number): number {
    const begin = this.#at;
    if (length > this.#bytes.length - begin) throw new RangeError('a pickle that is cut off');
    this.#at += length;
    return begin;
  }

  #text(length: number): string {
    const begin = this.#take(length);
    return utf8.decode(this.#bytes.subarray(begin, begin + length));
  }

  /** A whole number of any length, little-endian; what a number holds is one. */
  #long(length: number): number | bigint {
    const begin = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[begin + i] as number);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw new RangeError('a pickle that is cut off');
    const line = this.#text(end - this.#at);
    this.#at = end + 1;
    return line;
  }

  #pop(): Value {
    return this.#popMany(1)[0] as Value;
  }

  #popMany(count: number): Value[] {
    if (this.#stack.length - (this.#marks.at(-1) ?? 0) < count)
      throw new RangeError('a pickle that takes more than it put');
    return this.#stack.splice(this.#stack.length - count);
  }

  #popToMark(): Value[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new RangeError('a pickle that takes more than it put');
    return this.#stack.splice(mark);
  }

  #remember(index: number): void {
    const top = this.#stack.at(-1);
    if (top === undefined) throw new RangeError('a pickle that takes more than it put');
    this.#memo.set(index, top);
  }

  #recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw new RangeError('a pickle that recalls what it did not remember');
    this.#stack.push(value);
  }

  #append(items: readonly Value[]): void {
    const list = this.#stack.at(-1);
    if (!Array.isArray(list)) throw new RangeError('a pickle that appends to no list');
    list.push(...items);
  }

  #setItems(items: readonly Value[]): void {
    const dict = this.#stack.at(-1);
    if (!(dict instanceof Map) || items.length % 2 === 1) throw new RangeError('a pickle that sets items of no dict');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i] as Value, items[i + 1] as Value);
  }
}

const STOP = '.';
const utf8 = new TextDecoder('utf-8', { fatal: true });

function knownName(text: string): Name {
  if (text === ORDERED_DICT || text === REBUILD_TENSOR || text === FLOAT_STORAGE) return new Name(text);
  if (/^torch\.\w+Storage$/.test(text)) throw new RangeError(`a tensor of ${text}: save the head as float32`);
  throw new RangeError(`a pickle that names ${JSON.stringify(text)}, which a state dict does not need; it was not run`);
}

/** ('storage', torch.FloatStorage, key, device, elements), and before 1.6 the view of another storage, which is None. */
function storage(value: Value): Storage {
  if (Array.isArray(value) && (value.length === 5 || (value.length === 6 && value[5] === null))) {
    const [kind, type, key, , elements] = value;
    const float = type instanceof Name && type.text === FLOAT_STORAGE;
    if (kind === 'storage' && float && typeof key === 'string' && isCount(elements)) return new Storage(key, elements);
  }
  throw new RangeError('a pickle with a persistent object that is no float32 storage');
}

function reduced(callee: Value, values: Value): Value {
  if (callee instanceof Name && Array.isArray(values)) {
    if (callee.text === ORDERED_DICT && values.length === 0) return new Map();
    if (callee.text === REBUILD_TENSOR) return tensor(values);
  }
  throw new RangeError('a pickle that calls something other than OrderedDict() or _rebuild_tensor_v2; it was not run');
}

/** (storage, offset, shape, strides, requires_grad, hooks) */
function tensor([source, offset, shape, strides]: readonly Value[]): Tensor {
  if (source instanceof Storage && isCount(offset) && isCounts(shape) && isCounts(strides)) {
    if (shape.length === strides.length) return new Tensor(source.key, source.elements, offset, shape, strides);
  }
  throw new RangeError('a pickle with a tensor whose shape or strides are no counts');
}

function isCount(value: Value | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isCounts(value: Value | undefined): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}
