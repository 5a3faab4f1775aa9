import type { ByteSource } from './byte-source.js';

/** One field of a protobuf message, its payload left where it lies. */
export interface ProtobufField {
  readonly number: number;
  /** Of a varint: as a signed 64-bit number, exact up to 2^53. NaN for the other wire types. */
  readonly value: number;
  /** Where the field begins with its tag. */
  readonly begin: number;
  /** The payload: what stands behind tag and length. */
  readonly payloadBegin: number;
  readonly end: number;
}

/**
 * The fields of the message in bytes [begin, end) of a source, in order.
 *
 * @throws RangeError where a length reaches beyond the message, a number does not end, or a wire type is unknown.
 */
export function* protobufFields(source: ByteSource, begin = 0, end = source.length): Generator<ProtobufField> {
  let at = begin;
  while (at < end) {
    const fieldBegin = at;
    const [tag, afterTag] = varint(source, at, end);
    const wireType = tag & 7;
    at = afterTag;
    let value = Number.NaN;
    let payloadBegin = at;
    if (wireType === 0) [value, at] = varint(source, at, end);
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else if (wireType === 2) {
      const [length, afterLength] = varint(source, at, end);
      if (length < 0) throw new RangeError(`a length of ${length} bytes at byte ${at}`);
      payloadBegin = afterLength;
      at = afterLength + length;
    } else throw new RangeError(`wire type ${wireType} at byte ${fieldBegin}`);
    if (at > end)
      throw new RangeError(`${at - payloadBegin} bytes asked for at byte ${payloadBegin}, ${end - payloadBegin} left`);
    yield { number: Math.floor(tag / 8), value, begin: fieldBegin, payloadBegin, end: at };
  }
}

/** A varint as a signed 64-bit number, and where the next byte stands. */
export function varint(source: ByteSource, begin: number, end: number): [value: number, next: number] {
  const bytes = source.read(begin, Math.min(10, end - begin));
  let low = 0;
  let high = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    const bits = byte & 127;
    // 7 bits a byte over two 32-bit halves; the fifth byte lies in both.
    if (i < 4) low += bits * 2 ** (7 * i);
    else if (i === 4) {
      low += (bits & 15) * 2 ** 28;
      high = bits >> 4;
    } else high += bits * 2 ** (7 * i - 32);
    if (byte < 128) return [(high | 0) * 2 ** 32 + low, begin + i + 1];
  }
  throw new RangeError(`a number without an end at byte ${begin}`);
}
