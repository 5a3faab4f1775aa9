// A thread of bench/throughput.mjs: encodes its requests once to see which batches that takes, then runs those batches alone when told to.
import { parentPort, workerData } from 'node:worker_threads';
import { ChunkEncoder } from '../packages/core/dist/encoder/chunk-encoder.js';
import { EncoderSession } from '../packages/core/dist/encoder/encoder-session.js';
import { openModelFolder } from '../packages/core/dist/model/model-folder.js';

const batches = [];
let session;
const run = EncoderSession.prototype.run;
EncoderSession.prototype.run = function (input, wanted) {
  session = this;
  batches.push({ input, wanted });
  return run.call(this, input, wanted);
};
const encoder = await ChunkEncoder.open(await openModelFolder(workerData.model), 1);
for (const request of workerData.requests) await encoder.encode(request);
EncoderSession.prototype.run = run;

parentPort.on('message', async (message) => {
  if (message === 'close') {
    parentPort.close();
    return;
  }
  for (const { input, wanted } of batches) await session.run(input, wanted);
  parentPort.postMessage('done');
});
parentPort.postMessage('ready');
