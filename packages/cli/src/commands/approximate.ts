import type { ApproximateSummary } from '@ner-retriever/core';
import type { Command } from '../command.js';
import { formatAmount, formatBytes, formatCount } from '../terminal/format.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';
import { sanitise } from '../terminal/sanitise.js';

export const approximate: Command = {
  usage: ['--index DIR --factory TEXT', '--index DIR --import FILE', '--index DIR --remove'],
  about: `Builds an approximate index of FAISS over the vectors of an index, for "search --approximate". An approximate search misses documents in silence:
where every answer counts, search exactly, which is the default. What is added later is searched exactly beside it; after "compact" it must be built
again. FAISS builds it in memory. "index-info --measure" says what it finds and how fast.`,
  flags: [
    { name: 'index', value: 'DIR', help: 'the index folder' },
    {
      name: 'factory',
      value: 'TEXT',
      help: "what index, in FAISS's words: HNSW32; IVF4096,SQ8; IVF4096,PQ64x4fs,RFlat; …",
    },
    { name: 'import', value: 'FILE', help: 'takes a standard FAISS file, whose vector i must be row i of the index' },
    { name: 'remove', help: 'takes the approximate index away' },
    { name: 'json', help: 'the result as JSON' },
  ],
  examples: [
    'approximate --index wiki.index --factory HNSW32',
    'approximate --index wiki.index --factory IVF1024,SQ8',
    'approximate --index wiki.index --import built-elsewhere.faiss',
  ],

  async run(words, { output, messages }) {
    const directory = words.required('index');
    if (words.operands.length > 0) words.refuse('flags only', JSON.stringify(words.operands[0]));
    words.exclusive('factory', 'import');
    words.exclusive('factory', 'remove');
    words.exclusive('import', 'remove');
    const file = words.text('import');
    const { buildApproximateIndex, importApproximateIndex, removeApproximateIndex } = await import(
      '@ner-retriever/core'
    );
    const told = async (summary: ApproximateSummary) => {
      if (words.has('json')) await output.line(jsonText(summary, 2));
      else messages.note(`${sanitise(directory)}: ${describe(summary)}`);
      return 0;
    };
    if (words.has('remove')) {
      const removed = await removeApproximateIndex(directory);
      messages.note(`${sanitise(directory)}: ${removed ? 'removed' : 'there was no approximate index'}`);
      return 0;
    }
    if (file !== undefined) return told(await importApproximateIndex(directory, file));

    const factory = words.required('factory');
    const interruption = new Interruption(() => messages.note('Interrupted. Ctrl-C again quits at once.'));
    const { signal } = interruption;
    const progress = new Progress(messages);
    try {
      const summary = await buildApproximateIndex(directory, {
        factory,
        signal,
        onProgress: ({ phase, rows, totalRows }) =>
          progress.show(
            rows / Math.max(1, totalRows),
            () => `${phase}, ${formatCount(rows)} of ${formatAmount(totalRows, 'row')}`,
          ),
      });
      progress.end();
      return await told(summary);
    } catch (error) {
      progress.end();
      if (!signal.aborted) throw error;
      messages.note('Stopped. What was there before is there still.');
      return interrupted;
    } finally {
      interruption.end();
    }
  },
};

function describe({ factory, rows, bytes }: ApproximateSummary): string {
  return `${factory ?? 'imported'}, ${formatAmount(rows, 'row')}, ${formatBytes(bytes)}`;
}
