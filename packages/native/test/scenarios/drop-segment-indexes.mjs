import { setTimeout } from 'node:timers/promises';
import { SegmentIndex } from '../../dist/index.js';
import { mappingsIn, writeSegment } from './segment-files.mjs';

const root = process.argv[2];
const segment = await writeSegment(root, 'bfloat16', 8, 100);
// A function of its own, so that no variable keeps the last one.
async function makeIndexes() {
  for (let i = 0; i < 50; i++) {
    const index = new SegmentIndex({ dimensions: 8, precision: 'bfloat16' });
    await index.map(segment.files, segment.blocks);
  }
}
await makeIndexes();
for (let round = 0; mappingsIn(root) > 0 && round < 100; round++) {
  globalThis.gc();
  await setTimeout(10);
}
console.log(mappingsIn(root) === 0 ? 'alive' : `${mappingsIn(root)} mappings are left`);
