import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { mappingsIn, writeSegment } from './segment-files.mjs';

const root = process.argv[2];
const segment = await writeSegment(root, 'int8', 128, 20_000);
const source = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}).then(async ({ SegmentIndex }) => {
    const index = new SegmentIndex({ dimensions: 128, precision: 'int8', threads: 2 });
    await index.map(workerData.files, workerData.blocks);
    for (let i = 0; i < 8; i++) {
      index.search(new Float32Array(100 * 128).map((_, at) => Math.sin(at)), 1000);
      index.rank(new Float32Array(128).fill(1));
      index.vectors(0, 20_000);
      new SegmentIndex({ dimensions: 128, precision: 'int8' }).map(workerData.files, workerData.blocks);
    }
    parentPort.postMessage('running');
    setInterval(() => {}, 1000);
  });`;

for (let round = 0; round < 3; round++) {
  const worker = new Worker(source, { eval: true, workerData: segment });
  await new Promise((resolve) => worker.once('message', resolve));
  await worker.terminate();
}
// What the pool had begun ends on its own.
for (let round = 0; mappingsIn(root) > 0 && round < 200; round++) await setTimeout(100);
console.log(mappingsIn(root) === 0 ? 'alive' : `${mappingsIn(root)} mappings are left`);
