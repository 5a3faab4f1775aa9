import { Worker } from 'node:worker_threads';

const source = `
  const { parentPort } = require('node:worker_threads');
  import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}).then(async ({ CudaDevice, Projection }) => {
    const device = await CudaDevice.open();
    const numbers = (count) => new Float32Array(count).map((_, i) => Math.sin(i));
    const layers = [{ weight: numbers(64 * 64), bias: numbers(64) }];
    const projections = [1, 2, 3].map(() => new Projection(layers, 64, { device }));
    const rows = numbers(300 * 64);
    const runs = projections.map((projection) => projection.project(rows));
    device.close();
    runs[0].then(() => parentPort.postMessage('running'));
    setInterval(() => {}, 1000);
  });`;

for (let round = 0; round < 3; round++) {
  const worker = new Worker(source, { eval: true });
  await new Promise((resolve) => worker.once('message', resolve));
  await worker.terminate();
}
console.log('alive');
