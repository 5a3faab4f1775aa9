import { Worker } from 'node:worker_threads';

const source = `
  const { parentPort } = require('node:worker_threads');
  import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}).then(({ HeadTrainer }) => {
    const [inputDimensions, hiddenDimensions, outputDimensions] = [256, 512, 512];
    const parameters = new Float32Array(256 * 512 + 512 + 512 * 512 + 512).fill(0.01);
    const trainer = new HeadTrainer({ inputDimensions, hiddenDimensions, outputDimensions, threads: 2 }, { parameters });
    const table = new Float32Array(3000 * 256).map((_, i) => Math.sin(i));
    const part = (first) => Int32Array.from({ length: 1000 }, (_, i) => first + i);
    const batch = { table, rows: Int32Array.from({ length: 3000 }, (_, i) => i), anchors: part(0), positives: part(1000), negatives: part(2000) };
    const steps = Array.from({ length: 50 }, () => trainer.step(batch, { loss: 'triplet', margin: 0.5 }, { learningRate: 1e-3 }));
    trainer.state();
    steps[0].then(() => parentPort.postMessage('running'));
    setInterval(() => {}, 1000);
  });`;

for (let round = 0; round < 3; round++) {
  const worker = new Worker(source, { eval: true });
  await new Promise((resolve) => worker.once('message', resolve));
  await worker.terminate();
}
console.log('alive');
