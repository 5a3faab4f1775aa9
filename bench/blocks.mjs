// What does cutting save a token? A Llama of Llama 3.1 8B's shape, narrower (float32, random weights), run whole with its language-model head, whole without
// it, and cut at the value projection of block 17: the same tokens through the same runtime, in turn, so that all see the same machine.
//   node bench/blocks.mjs [WIDTH]
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { prepareModel } from '@ner-retriever/core/model';
import { EncoderSession } from '../packages/core/dist/encoder/encoder-session.js';
import { openModelFolder } from '../packages/core/dist/model/model-folder.js';
import { writeLlama } from '../test/support/llama/write-llama.ts';
import { llama8b } from './llama-8b.mjs';
import { saveResult } from './save-result.mjs';
import { temporaryFolder } from './temporary-folder.mjs';

const rounds = 15;
const texts = 8;
const tokensOfText = 64;
const width = Number(process.argv[2] ?? 1024);
const threads = availableParallelism();
const shape = llama8b(width, 'float32');
const folder = temporaryFolder();
await writeLlama(join(folder, 'llama'), shape);

const lastBlock = shape.blocks - 1;
const runs = [
  await opened('all 32 blocks and the language-model head', { block: lastBlock, tapTensor: 'logits' }),
  await opened('all 32 blocks', { block: lastBlock, tap: 'hidden' }),
  await opened('up to the values of block 17', { block: 17 }),
];
const input = {
  texts,
  tokens: tokensOfText,
  ids: BigInt64Array.from({ length: texts * tokensOfText }, (_, i) => BigInt((i * 7919) % shape.vocabulary)),
  mask: new BigInt64Array(texts * tokensOfText).fill(1n),
};
for (let round = -1; round < rounds; round++) {
  // Each run comes first, second and last as often as the others.
  for (const place of runs.keys()) {
    const { session, seconds } = runs.at((round + place) % runs.length);
    const begin = performance.now();
    await session.run(input, { tap: true, detector: false });
    // The first round is not counted: pages are read, buffers found.
    if (round >= 0) seconds.push((performance.now() - begin) / 1000 / (texts * tokensOfText));
  }
}

const cut = runs.at(-1);
const rows = runs.map(({ name, seconds }) => ({
  name,
  leastSecondsPerToken: Math.min(...seconds),
  medianSecondsPerToken: median(seconds),
  /** Of each round, how many times as long as the cut model. */
  ratios: seconds.map((one, round) => one / cut.seconds[round]),
}));
console.table(
  rows.map(({ name, leastSecondsPerToken, medianSecondsPerToken, ratios }) => ({
    run: name,
    'ms a token, least': (1000 * leastSecondsPerToken).toFixed(2),
    median: (1000 * medianSecondsPerToken).toFixed(2),
    'times the cut model': median(ratios).toFixed(2),
  })),
);
for (const { name, leastSecondsPerToken, ratios } of rows.slice(0, -1)) {
  const least = (leastSecondsPerToken / Math.min(...cut.seconds)).toFixed(2);
  const each = ratios.map((ratio) => ratio.toFixed(2)).join(', ');
  console.log(`${name}: ${least} times the cut model by the least of each, ${each} round by round`);
}
saveResult('blocks', { shape, threads, texts, tokensOfText, rows });

/** A prepared model of the Llama, loaded. */
async function opened(name, options) {
  const out = join(folder, name.replaceAll(' ', '-'));
  await prepareModel(join(folder, 'llama'), { ...options, out });
  return { name, session: await EncoderSession.open(await openModelFolder(out), threads), seconds: [] };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
