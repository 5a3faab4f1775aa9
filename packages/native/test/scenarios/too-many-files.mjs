// Run with few descriptors: opens indexes until the system gives no more files.
import { SegmentIndex } from '../../dist/index.js';
import { mappingsIn, writeSegment } from './segment-files.mjs';

const root = process.argv[2];
const segment = await writeSegment(root, 'int8', 8, 100);
const indexes = [];
let failure;
while (failure === undefined && indexes.length < 100) {
  const index = new SegmentIndex({ dimensions: 8, precision: 'int8' });
  indexes.push(index);
  await index.map(segment.files, segment.blocks).catch((cause) => {
    failure = cause;
  });
}
if (failure?.code !== 'EMFILE' || !segment.files.includes(failure.path)) throw failure;
if ((await indexes[0].search(new Float32Array(8), 1)).rows.length !== 1) throw new Error('the first index is lost');
await Promise.all(indexes.map((index) => index.close()));
const again = new SegmentIndex({ dimensions: 8, precision: 'int8' });
await again.map(segment.files, segment.blocks);
await again.close();
console.log(mappingsIn(root) === 0 ? 'alive' : `${mappingsIn(root)} mappings are left`);
