import { addon } from './addon.js';

/**
 * The CRC-32C (Castagnoli) of `bytes`, as an unsigned 32-bit integer.
 *
 * @param seed the checksum of the bytes that come before these, so that a long text can be summed in pieces
 * @throws TypeError for anything but a Uint8Array over ordinary memory; RangeError for a seed that is no checksum
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  return addon.crc32c(bytes, seed);
}
