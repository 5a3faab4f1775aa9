import { Worker } from 'node:worker_threads';

const source = `
  import(${JSON.stringify(new URL('long-search.mjs', import.meta.url).href)}).then(async ({ startLongSearch }) => {
    await startLongSearch();
    setTimeout(() => process.exit(0), 20);
  });`;

const worker = new Worker(source, { eval: true });
await new Promise((resolve) => worker.once('exit', resolve));
console.log('alive');
