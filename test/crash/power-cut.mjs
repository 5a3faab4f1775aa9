import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A copy of an index that a killed writer has left, as a power cut may have left it: of what was written and not made durable, any part
 * may be missing or be something else.
 *
 * @param counted bytes of each column file that an acknowledged commit counts, by file name
 * @param durableLog bytes of the write-ahead log that are durable
 */
export function cutPower(directory, copy, { counted, durableLog }, random) {
  rmSync(copy, { recursive: true, force: true });
  cpSync(directory, copy, { recursive: true });
  // Nobody's memory outlives it.
  if (existsSync(join(copy, 'catalog.sqlite-shm'))) spoil(join(copy, 'catalog.sqlite-shm'), 0, random);
  for (const name of readdirSync(join(copy, 'segments'))) {
    spoil(join(copy, 'segments', name), counted.get(name) ?? 0, random);
  }
  const log = join(copy, 'catalog.sqlite-wal');
  if (existsSync(log)) spoil(log, durableLog, random);
}

/** Cuts a file, or puts zeros or noise into it, anywhere from byte `from` on; or leaves it, or writes more. */
function spoil(file, from, random) {
  const bytes = readFileSync(file);
  if (bytes.length < from) return; // it was made shorter, and that is durable
  const at = from + random(bytes.length - from + 1);
  const noise = () => Buffer.from(Array.from({ length: random(5000) }, () => random(256)));
  switch (random(5)) {
    case 0:
      return truncateSync(file, at);
    case 1:
      return writeFileSync(file, bytes.fill(0, at));
    case 2:
      return writeFileSync(file, Buffer.concat([bytes.subarray(0, at), noise()]));
    case 3:
      return writeFileSync(file, Buffer.concat([bytes, random(2) ? noise() : Buffer.alloc(random(5000))]));
  }
}
