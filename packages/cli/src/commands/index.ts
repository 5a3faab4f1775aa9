import { setMaxListeners } from 'node:events';
import type { AddOptions, RetrieverOptions } from '@ner-retriever/core';
import type { Command } from '../command.js';
import { DeadLetters } from '../dead-letters.js';
import { detectingFlags, namesDetector, openDetector } from '../detecting.js';
import { announceDevices, deviceFlag, deviceOf } from '../device-flag.js';
import { estimate } from '../estimate.js';
import type { Arguments } from '../flags/arguments.js';
import { levelMemory } from '../level-memory.js';
import { type Reading, readFiles, readingFlags } from '../reading.js';
import { Refusals } from '../refusals.js';
import { formatAmount, formatDuration } from '../terminal/format.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import type { Messages } from '../terminal/messages.js';
import { Progress } from '../terminal/progress.js';
import { sanitise } from '../terminal/sanitise.js';

export const index: Command = {
  usage: ['FILE… --index DIR'],
  about: `Reads documents and adds them to an index folder, which is made if it is missing.
FILE is .jsonl, .txt, .csv or .tsv, also with .gz, .zst or .bz2 behind it, or - for standard input. JSON Lines are
{"id": "…", "text": "…", "mentions": [{"start": 0, "end": 12}], "metadata": {…}}; mentions and metadata may be absent.
A document that the index already holds is skipped if it is the same, and replaced if it is not: after an interruption,
the same command goes on where it stopped. Lines that are refused are named, the rest goes in, and the exit code is 1.`,
  flags: [
    { name: 'index', value: 'DIR', help: 'the index folder' },
    {
      name: 'model',
      value: 'DIR|ID',
      help: 'the model folder, or the Hugging Face id of a prepared model (default: the bundled English model)',
    },
    {
      name: 'mentions',
      value: 'HOW',
      help: 'given: only spans that documents have; detect: the detector finds all (default: given spans where a document has them, the detector elsewhere)',
    },
    ...detectingFlags,
    {
      name: 'precision',
      value: 'HOW',
      help: 'how a new index keeps its vectors: int8 (default; answers as float32 does), float32, or bfloat16 (half the bytes)',
    },
    {
      name: 'dead-letters',
      value: 'FILE',
      help: 'keeps every refused line as it stood, and why, as JSON Lines: to be corrected and indexed again',
    },
    { name: 'strict', help: 'stop at the first line that is refused' },
    ...readingFlags,
    {
      name: 'dry-run',
      help: 'adds nothing: reads and checks every line, indexes a sample in a temporary folder, and says what the run would add and how long it would take',
    },
    { name: 'json', help: 'with --dry-run: as JSON' },
    { name: 'workers', value: 'N', help: 'encoder threads (default: one a processor core; one on a GPU)' },
    deviceFlag,
  ],
  examples: [
    'index wiki.jsonl.gz --index wiki.index',
    'index labelled.jsonl --index labelled.index --mentions given --offsets code-points',
    'index products.csv --index products.index --columns id=sku,text=description',
    'index wiki.jsonl --index wiki.index --detector gazetteer:names.txt',
    'index crawl.jsonl --index wiki.index --dry-run',
    'index crawl.jsonl --index wiki.index --dead-letters refused.jsonl',
    'index - --index notes.index < notes.jsonl',
  ],

  async run(words, surroundings) {
    levelMemory();
    const { messages } = surroundings;
    const directory = words.required('index');
    const model = words.text('model');
    const mentions = words.choice('mentions', ['given', 'detect']);
    const precision = words.choice('precision', ['int8', 'float32', 'bfloat16']);
    const workers = words.integer('workers', 1);
    const deadLettersFile = words.text('dead-letters');
    if (mentions === 'given' && namesDetector(words)) words.refuse('--mentions given or --detector', 'both');
    if (words.has('json') && !words.has('dry-run')) words.refuse('--json with --dry-run', 'it without');
    await using detecting = await openDetector(words, messages);
    const reading = await readFiles(words);

    const refusals = new Refusals(messages);
    await using deadLetters =
      deadLettersFile === undefined ? null : await DeadLetters.open(deadLettersFile, words.operands);
    const opening: RetrieverOptions = {
      ...(model !== undefined && { model }),
      ...(workers !== undefined && { workers }),
      ...deviceOf(words),
      ...(precision && { precision }),
      ...(detecting.detector && { detector: detecting.detector }),
    };
    const adding: AddOptions = {
      strict: words.has('strict'),
      ...(mentions && { mentions }),
      onRefused(refused) {
        refusals.refuse(refused.error);
        deadLetters?.add(refused);
      },
    };
    if (words.has('dry-run')) {
      return await estimate(directory, reading, { ...opening, ...adding }, words.has('json'), refusals, surroundings);
    }
    return await add(directory, reading, opening, adding, { refusals, deadLetters, messages, words });
  },
};

/** What is told on the way, and to whom. */
interface Telling {
  readonly refusals: Refusals;
  readonly deadLetters: DeadLetters | null;
  readonly messages: Messages;
  readonly words: Arguments;
}

async function add(
  directory: string,
  { records, totalBytes }: Reading,
  opening: RetrieverOptions,
  adding: AddOptions,
  { refusals, deadLetters, messages, words }: Telling,
): Promise<number> {
  const { Retriever } = await import('@ner-retriever/core');
  const interruption = new Interruption(() =>
    messages.note(
      'Interrupted: finishing the current commit. The same command resumes from there; Ctrl-C again quits at once.',
    ),
  );
  const { signal } = interruption;
  setMaxListeners(0, signal);
  const progress = new Progress(messages);
  await using retriever = await Retriever.open(directory, { create: true, ...opening });
  announceDevices({ encoder: retriever.devices.encoder }, words, messages);
  try {
    const run = retriever.add(records, {
      ...adding,
      signal,
      onSkipped: (skipped) => refusals.skip(skipped.source, skipped.id, skipped),
    });
    for await (const state of run) {
      progress.update({ ...state, share: totalBytes ? state.bytes / totalBytes : null });
      await deadLetters?.sync();
    }
    const summary = await run;
    progress.end();
    refusals.end();
    messages.note(
      `${sanitise(directory)}: ${formatAmount(summary.documents - summary.replaced, 'document')} added, ${summary.replaced} replaced, ` +
        `${summary.unchanged} unchanged, ${summary.refused} refused; ${formatAmount(summary.mentions, 'mention')}, ` +
        `${summary.skippedMentions} skipped; ${formatDuration(summary.elapsedMs)}`,
    );
    return summary.refused > 0 ? 1 : 0;
  } catch (error) {
    progress.end();
    refusals.end();
    if (!signal.aborted) throw error;
    messages.note('Stopped. Everything up to the last commit is in the index.');
    return interrupted;
  } finally {
    interruption.end();
  }
}
