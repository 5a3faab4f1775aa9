import type { MentionDetector } from '@ner-retriever/core';
import type { Command } from '../command.js';
import { type Detecting, detectingFlags, namesDetector, openDetector } from '../detecting.js';
import { documentChunks } from '../document-chunks.js';
import { documentsOf } from '../documents-of.js';
import { readFiles, readingFlags } from '../reading.js';
import { Refusals } from '../refusals.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';

export const detect: Command = {
  usage: ['FILE…'],
  about: `Finds the mentions in texts, with the model's detector or another (--detector), and prints JSON Lines, one document a line, in order:
{"id": "…", "mentions": [{"start": 0, "end": 12, "text": "…", "score": 0.98}]}. Mentions that documents already have are not looked at.`,
  flags: [
    {
      name: 'model',
      value: 'DIR|ID',
      help: 'the model folder, or the Hugging Face id of a prepared model (default: the bundled English model)',
    },
    ...detectingFlags,
    ...readingFlags,
  ],
  examples: [
    'detect wiki.jsonl > mentions.jsonl',
    'detect wiki.jsonl --detector gazetteer:names.txt',
    'detect wiki.jsonl --detector generative:http://localhost:8000/v1 --detector-model qwen3',
    'detect - <<< \'{"id": "a", "text": "Microraptor was found in Liaoning."}\'',
  ],

  async run(words, { output, messages }) {
    const model = words.text('model');
    if (model !== undefined && namesDetector(words)) words.refuse('--model or --detector', 'both');
    await using detecting = await openDetector(words, messages);
    const { records, totalBytes } = await readFiles(words);
    const interruption = new Interruption(() => messages.note('Interrupted. Ctrl-C again quits at once.'));
    const { signal } = interruption;
    const progress = new Progress(messages);
    const refusals = new Refusals(messages);
    const started = performance.now();
    let documents = 0;
    let mentions = 0;
    let bytes = 0;
    try {
      await using finder = await finderOf(detecting, model, signal);
      const read = documentsOf(records, refusals, (record) => {
        bytes = record.bytes;
      });
      const chunks = documentChunks(read, (some) =>
        finder.detect(
          some.map(({ text }) => text),
          { signal },
        ),
      );
      for await (const { chunk, result } of chunks) {
        for (const [place, { document }] of chunk.entries()) {
          const here = result[place] ?? [];
          mentions += here.length;
          await output.line(
            jsonText({
              id: document.id,
              mentions: here.map(({ start, end, text, score }) => ({ start, end, text, score })),
            }),
          );
        }
        if (output.closed) break;
        documents += chunk.length;
        progress.update({
          documents,
          mentions,
          elapsedMs: performance.now() - started,
          share: totalBytes && bytes / totalBytes,
        });
      }
      return refusals.refused > 0 ? 1 : 0;
    } catch (error) {
      if (!signal.aborted) throw error;
      return interrupted;
    } finally {
      progress.end();
      refusals.end();
      interruption.end();
    }
  },
};

/** What finds mentions: the given detector, or the model, which is only opened where it is needed. */
async function finderOf(
  { detector }: Detecting,
  model: string | undefined,
  signal: AbortSignal,
): Promise<Pick<MentionDetector, 'detect'> & AsyncDisposable> {
  if (detector) return { detect: detector.detect.bind(detector), [Symbol.asyncDispose]: async () => {} };
  const { Embedder } = await import('@ner-retriever/core');
  return Embedder.open(model, { signal });
}
