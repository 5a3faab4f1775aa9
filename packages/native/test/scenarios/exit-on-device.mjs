import { CudaDevice, Projection } from '../../dist/index.js';

const device = await CudaDevice.open();
const numbers = (count) => new Float32Array(count).map((_, i) => Math.sin(i));
const projection = new Projection([{ weight: numbers(64 * 64), bias: numbers(64) }], 64, { device });
for (let run = 0; run < 10; run += 1) projection.project(numbers(300 * 64));
setTimeout(() => {
  console.log('alive');
  process.exit(0);
}, 20);
