/** Fields of one protobuf message, put together in memory. */
export class ProtobufWriter {
  readonly #parts: Uint8Array[] = [];

  /** A varint field: int64, int32 or an enum. */
  number(field: number, value: number): this {
    this.#parts.push(encodeVarint(field * 8), encodeVarint(value));
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  /** A field of bytes, or a message within this one. */
  bytes(field: number, ...payload: readonly Uint8Array[]): this {
    const length = payload.reduce((sum, { length }) => sum + length, 0);
    this.#parts.push(encodeVarint(field * 8 + 2), encodeVarint(length), ...payload);
    return this;
  }

  float(field: number, value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    this.#parts.push(encodeVarint(field * 8 + 5), bytes);
    return this;
  }

  /** Whole fields as they stood in another message, tags and all. */
  verbatim(fields: Uint8Array): this {
    this.#parts.push(fields);
    return this;
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

/** A signed 64-bit number as protobuf's varint. */
export function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
