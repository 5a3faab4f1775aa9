// How fast is a training epoch, and how good the head? PyTorch trains the same head beside it: the same vectors, first weights, batches,
// schedule and dropped units, on as many threads. Runs alternate, so that both see the same machine.
//   node bench/head-training.mjs [PYTHON]        PYTHON: an interpreter that has torch; default python3
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { trainOnTaps } from '@ner-retriever/core/training';
import { info } from '@ner-retriever/native';
import { foldGate } from '../packages/core/dist/projection/head-layers.js';
import { projectionOf } from '../packages/core/dist/projection/read-projection.js';
import { drawBatches } from '../packages/core/dist/training/draw-batches.js';
import { initialParameters, weightsOf } from '../packages/core/dist/training/head-parameters.js';
import { HeldOutMeasure } from '../packages/core/dist/training/held-out-measure.js';
import { learningRate } from '../packages/core/dist/training/learning-rate.js';
import { trainingPlan } from '../packages/core/dist/training/training-options.js';
import { trainingSet } from '../packages/core/dist/training/training-set.js';
import { saveResult } from './save-result.mjs';

const rounds = 5;
const types = 200;
const mentionsPerType = 100;
const columns = 384;
const hiddenColumns = 40;
const noise = 20;

const python = process.argv[2] ?? 'python3';
const threads = availableParallelism();
const options = { epochs: 6, patience: 6, learningRate: 1e-3, negatives: { random: 1 }, seed: 1, threads };
const taps = clusteredTaps();
const plan = trainingPlan(options);
const shape = { ...plan, inputDimensions: columns };
const set = trainingSet(taps, plan);
const measure = new HeldOutMeasure(taps, set, plan.seed);
const folder = mkdtempSync(join(tmpdir(), 'ner-retriever-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
writeForPython();

const pairs = [];
let torch;
for (let round = 0; round < rounds; round++) {
  const own = await trainHere();
  const theirs = await trainWithPython();
  torch = theirs.torch;
  pairs.push({ own, theirs, ratio: own.epochSeconds / theirs.epochSeconds });
}
const here = pairs.map(({ own }) => own);
const there = pairs.map(({ theirs }) => theirs);
const withoutHead = here[0].withoutHead;
const row = (run, results) => ({
  run,
  'ms an epoch': Math.round(1000 * median(results.map(({ epochSeconds }) => epochSeconds))),
  'examples/s': Math.round(set.examples.length / median(results.map(({ epochSeconds }) => epochSeconds))),
  'R-Precision, held-out types': median(results.map(({ rPrecision }) => rPrecision)).toFixed(4),
});
const openblas = info().openblas.version ?? 'no OpenBLAS';
console.log(
  `${set.examples.length} examples of ${set.trainedTypes.length} types, ${columns} to ${plan.hiddenDimensions} to ${plan.outputDimensions}, batches of ${plan.batchSize}, ${threads} threads`,
);
console.table([row(`ner-retriever (${info().instructionSet})`, here), row(`PyTorch ${torch}`, there)]);
const ratio = median(pairs.map((pair) => pair.ratio));
console.log(
  `an epoch takes ${ratio.toFixed(2)} of PyTorch's (median of ${rounds} pairs; ${pairs.map((pair) => pair.ratio.toFixed(2)).join(', ')})`,
);
console.log(`without a head: R-Precision ${withoutHead.toFixed(4)}`);
saveResult('head-training', {
  threads,
  instructionSet: info().instructionSet,
  openblas,
  torch,
  examples: set.examples.length,
  dimensions: [columns, plan.hiddenDimensions, plan.outputDimensions],
  epochSeconds: median(here.map(({ epochSeconds }) => epochSeconds)),
  torchEpochSeconds: median(there.map(({ epochSeconds }) => epochSeconds)),
  ratio,
  rPrecision: median(here.map(({ rPrecision }) => rPrecision)),
  torchRPrecision: median(there.map(({ rPrecision }) => rPrecision)),
  rPrecisionWithoutHead: withoutHead,
  ratios: pairs.map((pair) => pair.ratio),
});

/** A whole run of the software; an epoch's time is that of its steps, drawing the batches among it. */
async function trainHere() {
  const epochs = [];
  let first = 0;
  const onProgress = ({ step, steps, elapsedMs }) => {
    // From the first step's end: what measures the epoch before is not in it.
    if (step === 1) first = elapsedMs;
    if (step === steps) epochs.push((((elapsedMs - first) / 1000) * steps) / (steps - 1));
  };
  const { report } = await trainOnTaps(taps, { ...options, onProgress });
  return {
    epochSeconds: median(epochs),
    rPrecision: report.epochs.at(-1).rPrecision,
    withoutHead: report.rPrecision.withoutHead,
  };
}

async function trainWithPython() {
  const script = fileURLToPath(new URL('./head-training.py', import.meta.url));
  const { epochSeconds, torch } = JSON.parse(execFileSync(python, [script, folder], { encoding: 'utf8' }));
  const trained = new Float32Array(new Uint8Array(readFileSync(join(folder, 'trained.f32'))).buffer);
  const projection = projectionOf(foldGate(weightsOf(trained, shape)));
  return { torch, epochSeconds: median(epochSeconds), rPrecision: await measure.rPrecision(projection) };
}

function writeForPython() {
  const epochs = [];
  const places = [];
  const rates = [];
  for (let epoch = 1; epoch <= plan.epochs; epoch++) {
    // No hard negatives are asked for, so none are looked up.
    const batches = [...drawBatches(taps, set, plan, null, epoch)];
    epochs.push(batches.map(({ anchors }) => anchors.length));
    places.push(...batches.map(({ rows }) => rows));
    for (const _ of batches) {
      rates.push(learningRate(rates.length, plan.epochs * batches.length, plan.learningRate, plan.warmUp));
    }
  }
  const { dropout, margin, weightDecay, seed, hiddenDimensions, outputDimensions } = plan;
  const dimensions = [columns, hiddenDimensions, outputDimensions];
  const write = (name, content) => writeFileSync(join(folder, name), content);
  write('facts.json', JSON.stringify({ dimensions, dropout, margin, weightDecay, seed, threads, epochs }));
  write('vectors.f32', taps.vectors.data);
  write('initial.f32', initialParameters(shape, seed));
  write('batches.i32', Buffer.concat(places.map(({ buffer }) => Buffer.from(buffer))));
  write('rates.f32', Float32Array.from(rates));
}

/** Types are hidden directions, which their names and, under noise, their mentions show in different ways. */
function clusteredTaps() {
  let state = 1;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const map = () => Array.from({ length: columns }, () => Array.from({ length: hiddenColumns }, normal));
  const shown = (by, direction, size) =>
    by.map((weights) => weights.reduce((sum, weight, i) => sum + weight * direction[i], 0) + size * normal());
  const [ofNames, ofMentions] = [map(), map()];
  const directions = Array.from({ length: types }, () => Array.from({ length: hiddenColumns }, normal));
  const mentions = Array.from({ length: types * mentionsPerType }, (_, i) => ({ document: i, types: [i % types] }));
  const data = new Float32Array((types + mentions.length) * columns);
  for (const [type, direction] of directions.entries()) data.set(shown(ofNames, direction, 0), type * columns);
  for (const [i, mention] of mentions.entries()) {
    data.set(shown(ofMentions, directions[mention.types[0]], noise), (types + i) * columns);
  }
  return {
    types: directions.map((_, type) => ({ type: `${type}`, query: `${type}`, other: false })),
    mentions,
    documents: mentions.map(({ document }) => `${document}`),
    vectors: { rows: types + mentions.length, columns, data },
  };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
