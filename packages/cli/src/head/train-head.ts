import { existsSync } from 'node:fs';
import type { TrainHeadOptions, TrainingProgress, TrainingReport } from '@ner-retriever/core';
import type { Surroundings } from '../command.js';
import { trainingReaderOf } from '../corpus-reader.js';
import { announceDevices, deviceOf } from '../device-flag.js';
import type { Arguments } from '../flags/arguments.js';
import { formatAmount, formatDuration } from '../terminal/format.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';
import { sanitise } from '../terminal/sanitise.js';
import { headToWrite } from './head-file.js';
import { headWords } from './head-words.js';

/** `head train`: a projection head from labelled documents. */
export async function trainHead(
  [dataset, ...files]: readonly string[],
  words: Arguments,
  { output, messages }: Surroundings,
): Promise<number> {
  const reader = trainingReaderOf(words, dataset);
  if (files.length === 0) words.refuse(`the files of ${dataset}`, 'none');
  const options = optionsOf(words);
  const out = await headToWrite(words);
  const checkpoint = `${out}.checkpoint`;

  const { Embedder, ProjectionHead } = await import('@ner-retriever/core');
  const corpus = await reader(await import('@ner-retriever/core/evaluation'))(files);
  const interruption = new Interruption(() => messages.note('Interrupted. Ctrl-C again quits at once.'));
  const { signal } = interruption;
  const progress = new Progress(messages);
  let epochs = 0;
  const onProgress = (state: TrainingProgress) => {
    if (epochs === 0 && state.epoch > 1) messages.note(`Going on from ${sanitise(checkpoint)}, epoch ${state.epoch}`);
    epochs = state.epoch;
    progress.show((state.epoch - 1 + state.step / state.steps) / state.epochs, () => progressWords(state));
  };
  try {
    // It is the training that --device is about: who asks for a GPU there need not have ONNX Runtime's CUDA provider too.
    const reading = words.text('device') === 'cuda' ? {} : deviceOf(words);
    await using embedder = await Embedder.open(words.text('model'), { signal, ...reading });
    const { head, report } = await ProjectionHead.train(corpus, {
      ...options,
      ...deviceOf(words),
      embedder,
      checkpoint,
      signal,
      onProgress,
      onReading: (state) => progress.update({ ...state, share: state.documents / state.totalDocuments }),
    });
    progress.end();
    await head.save(out);
    const encoder = words.has('verbose') && { encoder: embedder.device };
    announceDevices({ training: report.device, ...encoder }, words, messages);
    if (words.has('json')) await output.line(jsonText({ file: out, ...head.description, ...report }, 2));
    else messages.note(`${sanitise(out)}: ${headWords(head.description)}\n${reportWords(report)}`);
    return 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    progress.end();
    if (existsSync(checkpoint)) messages.note(`The same command goes on from ${sanitise(checkpoint)}.`);
    return interrupted;
  } finally {
    progress.end();
    interruption.end();
  }
}

function optionsOf(words: Arguments): Omit<TrainHeadOptions, 'embedder'> {
  const given = {
    outputDimensions: words.integer('dimensions', 1),
    hiddenDimensions: words.integer('hidden', 1),
    gate: words.has('gate') || undefined,
    loss: words.choice('loss', ['triplet', 'info-nce']),
    epochs: words.integer('epochs', 1),
    batchSize: words.integer('batch-size', 1),
    learningRate: words.number('learning-rate'),
    mentionsPerType: words.integer('mentions-per-type', 1),
    heldOutTypes: words.number('held-out'),
    seed: words.integer('seed', 0),
    cache: words.text('cache'),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function progressWords({ epoch, epochs, step, steps, loss, rPrecision, elapsedMs }: TrainingProgress): string {
  const parts = [`epoch ${epoch} of ${epochs}`, `step ${step} of ${steps}`, `loss ${loss.toFixed(4)}`];
  if (rPrecision !== null) parts.push(`R-Precision ${rPrecision.toFixed(3)}`);
  parts.push(formatDuration(elapsedMs));
  return parts.join('  ');
}

function reportWords({
  trainedTypes,
  examples,
  heldOutTypes,
  epochs,
  bestEpoch,
  rPrecision,
  elapsedMs,
}: TrainingReport): string {
  const trained = `trained on ${formatAmount(trainedTypes, 'type')}, ${formatAmount(examples, 'example')}; epoch ${bestEpoch} of ${epochs.length} in ${formatDuration(elapsedMs)}`;
  if (rPrecision === null) return trained;
  const { head, withoutHead } = rPrecision;
  return `${trained}\nR-Precision on ${formatAmount(heldOutTypes.length, 'held-out type')}: ${head.toFixed(3)} (${withoutHead.toFixed(3)} without a head)`;
}
