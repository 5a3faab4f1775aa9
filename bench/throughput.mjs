// How near is `index` to its floor? Documents and tokens a second of a whole indexing run, and beside it the bare forward pass: the same batches,
// already tokenised, through the same ONNX model on as many threads, nothing else. Runs alternate, so that both see the same machine. Beside the time, the
// processor time of all threads: other work on the machine disturbs it less.
// Without FILE: the demo's corpus three times, the second and third time every document with the end of another, so that none comes twice. A run of half a
// minute: that threads start and code is compiled, once in each, hardly counts, as it does not for whoever indexes millions.
//   node bench/throughput.mjs [FILE.jsonl] [MODEL]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Retriever, readJsonLines } from '@ner-retriever/core';
import { modelDirectory } from '@ner-retriever/model-en';
import { EncoderPool } from '../packages/core/dist/encoder/encoder-pool.js';
import { saveResult } from './save-result.mjs';
import { temporaryFolder } from './temporary-folder.mjs';
import { textsOf } from './texts-of.mjs';

const rounds = 5;
const workers = availableParallelism();
const folder = temporaryFolder();
const file = process.argv[2] ?? longCorpus(fileURLToPath(new URL('../examples/demo/corpus.jsonl.gz', import.meta.url)));
const model = process.argv[3] ?? modelDirectory;

/** What the pipeline asks of its encoder threads, as it asks it: the bare run gets the same. */
const requests = [];
const encode = EncoderPool.prototype.encode;
EncoderPool.prototype.encode = function (request, options) {
  requests.push(request);
  return encode.call(this, request, options);
};
await indexOnce(); // not counted: files into the cache, code compiled
EncoderPool.prototype.encode = encode;

const bareRunner = await openBareRunner(requests);
const pairs = [];
for (let round = 0; round < rounds; round++) {
  const index = await indexOnce();
  const bare = await bareRunner.run();
  pairs.push({
    index,
    bareSeconds: bare.seconds,
    ratio: bare.seconds / index.seconds,
    processorRatio: bare.processorSeconds / index.processorSeconds,
  });
}
bareRunner.close();

const { documents, tokens, mentions } = pairs[0].index;
const seconds = median(pairs.map((pair) => pair.index.seconds));
const bareSeconds = median(pairs.map((pair) => pair.bareSeconds));
console.table([
  {
    run: 'index',
    s: seconds.toFixed(2),
    'documents/s': Math.round(documents / seconds),
    'tokens/s': Math.round(tokens / seconds),
  },
  {
    run: 'bare forward pass',
    s: bareSeconds.toFixed(2),
    'documents/s': Math.round(documents / bareSeconds),
    'tokens/s': Math.round(tokens / bareSeconds),
  },
]);
const ratio = median(pairs.map((pair) => pair.ratio));
console.log(
  `index runs at ${ratio.toFixed(2)} of the bare forward pass (median of ${rounds} pairs; ${pairs.map((pair) => pair.ratio.toFixed(2)).join(', ')})`,
);
const processorRatio = median(pairs.map((pair) => pair.processorRatio));
console.log(
  `of the processor time of index, ${processorRatio.toFixed(2)} is the bare forward pass (${pairs.map((pair) => pair.processorRatio.toFixed(2)).join(', ')})`,
);
saveResult('throughput', {
  workers,
  documents,
  mentions,
  tokens,
  seconds,
  bareSeconds,
  ratio,
  processorRatio,
  pairs: pairs.map(({ index, ...pair }) => ({ seconds: index.seconds, ...pair })),
});

/** Three documents of each of the file's: itself, and its first half with the second half of the next, and of the one after that. */
function longCorpus(demo) {
  const halves = textsOf(demo).map((text) => {
    const middle = text.indexOf(' ', text.length / 2);
    return middle < 0 ? [text, ''] : [text.slice(0, middle), text.slice(middle)];
  });
  const texts = [0, 1, 2].flatMap((step) => halves.map(([begin], i) => begin + halves[(i + step) % halves.length][1]));
  const path = join(folder, 'corpus.jsonl');
  writeFileSync(path, texts.map((text, i) => `${JSON.stringify({ id: `${i}`, text })}\n`).join(''));
  return path;
}

/** A whole run into a new index, from the file to the last commit. */
async function indexOnce() {
  const directory = mkdtempSync(join(folder, 'index-'));
  const retriever = await Retriever.open(directory, { create: true, workers, model });
  const processor = process.cpuUsage();
  const { documents, mentions, tokens, elapsedMs } = await retriever.add(readJsonLines(file));
  const processorSeconds = secondsOf(process.cpuUsage(processor));
  await retriever.close();
  rmSync(directory, { recursive: true });
  return { documents, mentions, tokens, seconds: elapsedMs / 1000, processorSeconds };
}

/** Deals the requests to threads by their length; each prepares its batches, then waits to be told to run them. */
async function openBareRunner(requests) {
  const shares = Array.from({ length: workers }, () => ({ characters: 0, requests: [] }));
  for (const request of requests) {
    const share = shares.reduce((least, other) => (other.characters < least.characters ? other : least));
    share.requests.push(request);
    share.characters += request.texts.reduce((sum, text) => sum + text.length, 0);
  }
  const threads = shares.map(
    (share) =>
      new Worker(new URL('./bare-forward-pass.mjs', import.meta.url), {
        workerData: { model, requests: share.requests },
      }),
  );
  const answers = () =>
    Promise.all(
      threads.map((thread) => new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject))),
    );
  await answers();
  return {
    async run() {
      const begin = performance.now();
      const processor = process.cpuUsage();
      const done = answers();
      for (const thread of threads) thread.postMessage('run');
      await done;
      return {
        seconds: (performance.now() - begin) / 1000,
        processorSeconds: secondsOf(process.cpuUsage(processor)),
      };
    },
    close() {
      for (const thread of threads) thread.postMessage('close');
    },
  };
}

function secondsOf({ user, system }) {
  return (user + system) / 1e6;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
