import type { CompactionSummary } from '@ner-retriever/core';
import type { Command } from '../command.js';
import { formatAmount, formatBytes, formatCount, formatDuration } from '../terminal/format.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';
import { sanitise } from '../terminal/sanitise.js';

export const compact: Command = {
  usage: ['--index DIR'],
  about: `Gives back the room that deleted and replaced documents take, and puts small commits together. Needs as much free disk as the
living vectors take, and no model. Until it is done the index is as it was: it may be interrupted at any time, and searches go on meanwhile.`,
  flags: [
    { name: 'index', value: 'DIR', help: 'the index folder' },
    { name: 'json', help: 'the result as JSON' },
  ],
  examples: ['compact --index wiki.index'],

  async run(words, { output, messages }) {
    const directory = words.required('index');
    if (words.operands.length > 0) words.refuse('flags only', JSON.stringify(words.operands[0]));
    const { compactIndex } = await import('@ner-retriever/core');
    const interruption = new Interruption(() => messages.note('Interrupted. Ctrl-C again quits at once.'));
    const { signal } = interruption;
    const progress = new Progress(messages);
    try {
      const summary = await compactIndex(directory, {
        signal,
        onProgress: ({ rows, totalRows }) =>
          progress.show(rows / totalRows, () => `${formatCount(rows)} of ${formatAmount(totalRows, 'row')}`),
      });
      progress.end();
      if (words.has('json')) await output.line(jsonText(summary, 2));
      else messages.note(`${sanitise(directory)}: ${told(summary)}`);
      return 0;
    } catch (error) {
      progress.end();
      if (!signal.aborted) throw error;
      messages.note('Stopped. The index is as it was.');
      return interrupted;
    } finally {
      interruption.end();
    }
  },
};

function told({ removedRows, movedRows, freedBytes, elapsedMs }: CompactionSummary): string {
  const freed = `${formatBytes(freedBytes)} given back`;
  const rows = `${formatAmount(removedRows, 'dead row')} removed, ${formatCount(movedRows)} written anew`;
  if (removedRows > 0 || movedRows > 0) return `${rows}, ${freed}; ${formatDuration(elapsedMs)}`;
  return freedBytes > 0 ? `no dead rows; ${freed}` : 'nothing to do';
}
