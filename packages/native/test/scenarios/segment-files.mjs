import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packRows, segmentColumns } from '../../dist/index.js';
import { randomFloats } from '../random-floats.mjs';

/** Writes a segment of `rows` rows in a new folder under `root`; what SegmentIndex.map() takes. */
export async function writeSegment(root, precision, dimensions, rows) {
  const folder = mkdtempSync(join(root, 'scenario-'));
  const documents = Uint32Array.from({ length: rows }, (_, row) => row);
  const { columns, ...rest } = await packRows(precision, dimensions, randomFloats(rows * dimensions, 1), documents);
  const files = segmentColumns(precision, dimensions).map(({ name }) => join(folder, name));
  for (const [place, file] of files.entries()) writeFileSync(file, columns[place]);
  return { files, blocks: [{ rows, ...rest }] };
}

/** How often this process maps files in the folder. */
export function mappingsIn(folder) {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes(folder)).length;
}
