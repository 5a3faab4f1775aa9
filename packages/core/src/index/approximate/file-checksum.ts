import { createReadStream } from 'node:fs';
import { crc32c } from '@ner-retriever/native';

/** CRC32C of a file, and how long it is. */
export async function fileChecksum(file: string): Promise<{ checksum: number; bytes: number }> {
  let checksum = 0;
  let bytes = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 4 * 1024 * 1024 })) {
    checksum = crc32c(chunk as Buffer, checksum);
    bytes += (chunk as Buffer).length;
  }
  return { checksum, bytes };
}
