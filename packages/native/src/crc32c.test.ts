import { expect, test } from 'vitest';
import { crc32c } from './crc32c.js';

test('the published check value', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});

test('a seed continues a checksum', () => {
  const bytes = Uint8Array.from({ length: 30_000 }, (_, i) => (i * 7919) >>> 3);
  for (const cut of [0, 1, 7, 8, 4096, 12_289, 30_000]) {
    expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
  }
});

test('a seed that is no checksum is refused', () => {
  expect(() => crc32c(new Uint8Array(1), -1)).toThrow(RangeError);
  expect(() => crc32c(new Uint8Array(1), 2 ** 32)).toThrow('an integer from 0 to 4294967295, got 4294967296');
  expect(() => crc32c(new Uint8Array(1), 0.5)).toThrow(RangeError);
});
