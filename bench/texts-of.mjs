import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** The texts of a file of JSON Lines documents, decompressed where its name ends in .gz. */
export function textsOf(file) {
  const bytes = readFileSync(file);
  return (String(file).endsWith('.gz') ? gunzipSync(bytes) : bytes)
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).text);
}
