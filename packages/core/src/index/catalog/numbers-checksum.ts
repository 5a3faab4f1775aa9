import { crc32c } from '@ner-retriever/native';

/** CRC32C of numbers as their decimal digits, a space between them. */
export function numbersChecksum(numbers: readonly number[]): number {
  return crc32c(Buffer.from(numbers.join(' ')));
}
