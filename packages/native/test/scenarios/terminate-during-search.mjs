import { Worker } from 'node:worker_threads';

const source = `
  const { parentPort } = require('node:worker_threads');
  import(${JSON.stringify(new URL('long-search.mjs', import.meta.url).href)}).then(async ({ startLongSearch }) => {
    await startLongSearch();
    parentPort.postMessage('running');
    setInterval(() => {}, 1000);
  });`;

for (let round = 0; round < 3; round++) {
  const worker = new Worker(source, { eval: true });
  await new Promise((resolve) => worker.once('message', resolve));
  await worker.terminate();
}
console.log('alive');
