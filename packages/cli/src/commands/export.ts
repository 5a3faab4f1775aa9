import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Command, Surroundings } from '../command.js';
import { fileUnwritable } from '../file-unwritable.js';
import type { Arguments } from '../flags/arguments.js';
import { NpyWriter } from '../npy-writer.js';
import { discardPartial, finishPartial, partialPath } from '../partial-file.js';
import { formatAmount, formatCount } from '../terminal/format.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';
import { sanitise } from '../terminal/sanitise.js';

export const exportCommand: Command = {
  usage: [
    '--index DIR [--out FILE.jsonl]',
    '--index DIR --format npy --out FILE.npy',
    '--index DIR --format faiss --out FILE',
  ],
  about: `Writes what an index holds, as it is when the command starts: the documents as JSON Lines with the mentions that have a vector, which "index
--mentions given" reads again; or the vectors of these mentions, in the same order, as a NumPy array of float32 or as a FAISS index by inner product.
No model is needed, and for JSON Lines no vectors either. The file gets its name when it is whole.`,
  flags: [
    { name: 'index', value: 'DIR', help: 'the index folder' },
    { name: 'format', value: 'FORMAT', help: 'jsonl (default), npy or faiss' },
    {
      name: 'out',
      value: 'FILE',
      help: 'the file to write; .gz behind the name of JSON Lines compresses them (default for jsonl: standard output)',
    },
    {
      name: 'factory',
      value: 'TEXT',
      help: "with --format faiss: what index, in FAISS's words: Flat (default), HNSW32, IVF4096,SQ8, …",
    },
  ],
  examples: [
    'export --index wiki.index --out wiki.jsonl.gz',
    'export --index wiki.index | head',
    'export --index wiki.index --format npy --out vectors.npy',
    'export --index wiki.index --format faiss --factory HNSW32 --out wiki.faiss',
  ],

  async run(words, surroundings) {
    const { messages, output } = surroundings;
    const directory = words.required('index');
    if (words.operands.length > 0) words.refuse('flags only', JSON.stringify(words.operands[0]));
    const format = words.choice('format', ['jsonl', 'npy', 'faiss']) ?? 'jsonl';
    if (words.has('factory') && format !== 'faiss') words.refuse('--factory with --format faiss', `it with ${format}`);
    const path = format === 'jsonl' ? words.text('out') : words.required('out');
    const interruption = new Interruption(() => messages.note('Interrupted. Ctrl-C again quits at once.'));
    const { signal } = interruption;
    const progress = new Progress(messages);
    const show: Show = (done, total, noun) =>
      progress.show(done / Math.max(1, total), () => `${formatCount(done)} of ${formatAmount(total, noun)}`);
    // No live line between the documents.
    const isShown = path !== undefined || !output.isTerminal;
    const job: Job = { directory, words, signal, show: isShown ? show : () => {} };
    try {
      if (path === undefined) {
        await print(job, surroundings);
        return 0;
      }
      const written = await writers[format](path, job).catch(async (error: unknown) => {
        await discardPartial(path);
        throw fileUnwritable(path, error);
      });
      progress.end();
      messages.note(`${sanitise(path)}: ${written}`);
      return 0;
    } catch (error) {
      progress.end();
      if (!signal.aborted) throw error;
      return interrupted;
    } finally {
      interruption.end();
    }
  },
};

type Show = (done: number, total: number, noun: string) => void;

interface Job {
  readonly directory: string;
  readonly words: Arguments;
  readonly signal: AbortSignal;
  readonly show: Show;
}

/** Each writes a whole file and says what is in it. */
const writers: Readonly<Record<'jsonl' | 'npy' | 'faiss', (path: string, job: Job) => Promise<string>>> = {
  jsonl: writeLines,
  npy: writeRows,
  faiss: writeFaiss,
};

/** A document a line, some lines at a time. */
async function* lines({ directory, signal, show }: Job): AsyncGenerator<{ text: string; documents: number }> {
  const { exportDocuments } = await import('@ner-retriever/core');
  let done = 0;
  for await (const { documents, totalDocuments } of exportDocuments(directory, { signal })) {
    yield { text: documents.map((document) => `${jsonText(document)}\n`).join(''), documents: documents.length };
    done += documents.length;
    show(done, totalDocuments, 'document');
  }
}

async function print(job: Job, { output }: Surroundings): Promise<void> {
  for await (const { text } of lines(job)) {
    await output.write(text);
    if (output.closed) return;
  }
}

async function writeLines(path: string, job: Job): Promise<string> {
  let documents = 0;
  const texts = async function* () {
    for await (const some of lines(job)) {
      documents += some.documents;
      yield some.text;
    }
  };
  const file = createWriteStream(partialPath(path));
  if (path.endsWith('.gz')) await pipeline(texts, createGzip(), file, { signal: job.signal });
  else await pipeline(texts, file, { signal: job.signal });
  await finishPartial(path);
  return formatAmount(documents, 'document');
}

async function writeRows(path: string, { directory, signal, show }: Job): Promise<string> {
  const { exportVectors, readIndexInfo } = await import('@ner-retriever/core');
  const { dimensions } = await readIndexInfo(directory);
  const writer = await NpyWriter.create(path, dimensions);
  try {
    for await (const { vectors, totalRows } of exportVectors(directory, { signal })) {
      await writer.write(vectors.data);
      show(writer.rows, totalRows, 'row');
    }
    await writer.finish();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return `${formatAmount(writer.rows, 'row')} of ${dimensions} float32`;
}

async function writeFaiss(path: string, { directory, words, signal, show }: Job): Promise<string> {
  const { exportFaiss } = await import('@ner-retriever/core');
  const factory = words.text('factory') ?? 'Flat';
  // Before the minutes that FAISS may take: is this a place to write to?
  await writeFile(partialPath(path), '');
  const { rows } = await exportFaiss(directory, partialPath(path), {
    factory,
    signal,
    onProgress: (state) => show(state.rows, state.totalRows, 'row'),
  });
  await finishPartial(path);
  return `${formatAmount(rows, 'row')}, ${sanitise(factory)}`;
}
