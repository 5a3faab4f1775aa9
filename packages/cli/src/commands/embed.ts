import type { Embedder, MentionEmbeddings } from '@ner-retriever/core';
import type { Command, Surroundings } from '../command.js';
import { detectingFlags, namesDetector, openDetector } from '../detecting.js';
import { announceDevices, deviceFlag, deviceOf } from '../device-flag.js';
import { documentChunks } from '../document-chunks.js';
import { documentsOf, type GoodRecord } from '../documents-of.js';
import { fileUnwritable } from '../file-unwritable.js';
import type { Arguments } from '../flags/arguments.js';
import { NpyWriter } from '../npy-writer.js';
import { readTypeDescriptions } from '../read-type-descriptions.js';
import { readFiles, readingFlags } from '../reading.js';
import { Refusals } from '../refusals.js';
import { formatAmount } from '../terminal/format.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import { Progress } from '../terminal/progress.js';
import { sanitise } from '../terminal/sanitise.js';

const typesAtOnce = 1024;

export const embed: Command = {
  usage: ['FILE… --out V.npy', '--types FILE --out V.npy'],
  about: `Writes vectors as a NumPy array of float32: one row a mention, in the order of the documents and of their mentions (exact
repeats once), or one row a type description. Documents without mentions have theirs detected. A mention that cannot be used
keeps its row, filled with NaN, and is named.`,
  flags: [
    { name: 'out', value: 'V.npy', help: 'the file to write' },
    { name: 'types', value: 'FILE', help: 'embed type descriptions, one a line (- for standard input)' },
    { name: 'raw', help: "the tap's own values, before the projection head and the normalisation" },
    {
      name: 'model',
      value: 'DIR|ID',
      help: 'the model folder, or the Hugging Face id of a prepared model (default: the bundled English model)',
    },
    ...detectingFlags,
    ...readingFlags,
    deviceFlag,
  ],
  examples: [
    'embed labelled.jsonl --out mentions.npy',
    'embed texts.jsonl --out mentions.npy --detector gazetteer:names.txt',
    'embed --types types.txt --out types.npy',
    'embed labelled.jsonl --raw --out tap.npy',
  ],

  async run(words, surroundings) {
    const path = words.required('out');
    const ofTypes = words.has('types');
    if (ofTypes && words.operands.length > 0) words.refuse('FILE… or --types FILE', 'both');
    if (ofTypes && namesDetector(words)) words.refuse('--types or --detector', 'both');
    await using detecting = await openDetector(words, surroundings.messages);
    const { Embedder } = await import('@ner-retriever/core');
    const interruption = new Interruption(() => surroundings.messages.note('Interrupted. Ctrl-C again quits at once.'));
    const { signal } = interruption;
    try {
      const write = ofTypes ? await typeRows(words, signal) : await mentionRows(words, surroundings, signal);
      await using embedder = await Embedder.open(words.text('model'), {
        signal,
        ...deviceOf(words),
        ...(detecting.detector && { detector: detecting.detector }),
      });
      announceDevices({ encoder: embedder.device }, words, surroundings.messages);
      const columns = words.has('raw')
        ? embedder.model.description.tap.dimensions
        : embedder.model.description.dimensions;
      const writer = await NpyWriter.create(path, columns).catch((cause) => {
        throw fileUnwritable(path, cause);
      });
      try {
        const exitCode = await write(embedder, writer);
        await writer.finish();
        surroundings.messages.note(`${sanitise(path)}: ${formatAmount(writer.rows, 'row')} of ${columns} float32`);
        return exitCode;
      } catch (error) {
        await writer.discard();
        throw fileUnwritable(path, error);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      return interrupted;
    } finally {
      interruption.end();
    }
  },
};

/** Writes all rows and gives the exit code. */
type WriteRows = (embedder: Embedder, writer: NpyWriter) => Promise<number>;

async function typeRows(words: Arguments, signal: AbortSignal): Promise<WriteRows> {
  const descriptions = await readTypeDescriptions(words.required('types'));
  return async (embedder, writer) => {
    for (let first = 0; first < descriptions.length; first += typesAtOnce) {
      const some = descriptions.slice(first, first + typesAtOnce);
      await writer.write((await embedder.embedTypes(some, { signal, raw: words.has('raw') })).data);
    }
    return 0;
  };
}

async function mentionRows(words: Arguments, { messages }: Surroundings, signal: AbortSignal): Promise<WriteRows> {
  const { records, totalBytes } = await readFiles(words);
  return async (embedder, writer) => {
    const progress = new Progress(messages);
    const refusals = new Refusals(messages);
    const started = performance.now();
    let bytes = 0;
    let documents = 0;
    let tokens = 0;
    const read = documentsOf(records, refusals, (record) => {
      bytes = record.bytes;
    });
    const chunks = documentChunks(read, (some) => embedder.embedMentions(some, { signal, raw: words.has('raw') }));
    try {
      for await (const { chunk, result: embedded } of chunks) {
        await writer.write(embedded.matrix.data);
        nameSkipped(chunk, embedded, refusals);
        documents += chunk.length;
        tokens += embedded.tokens;
        progress.update({
          documents,
          mentions: writer.rows,
          tokens,
          elapsedMs: performance.now() - started,
          share: totalBytes && bytes / totalBytes,
        });
      }
    } finally {
      progress.end();
      refusals.end();
    }
    return refusals.refused > 0 ? 1 : 0;
  };
}

function nameSkipped(chunk: readonly GoodRecord[], { documents }: MentionEmbeddings, refusals: Refusals): void {
  for (const [place, { source, document }] of chunk.entries()) {
    for (const mention of documents[place]?.skipped ?? []) refusals.skip(source, document.id, mention);
  }
}
