import type { AddEstimate, EstimateOptions } from '@ner-retriever/core';
import type { Surroundings } from './command.js';
import type { Reading } from './reading.js';
import type { Refusals } from './refusals.js';
import { formatAmount, formatBytes, formatCount, formatDuration } from './terminal/format.js';
import { Interruption, interrupted } from './terminal/interruption.js';
import { jsonText } from './terminal/json-text.js';
import { Progress } from './terminal/progress.js';

/** `index --dry-run`: reads everything, indexes a sample beside the index, and says on stdout what the run would do. */
export async function estimate(
  directory: string,
  { records, totalBytes }: Reading,
  options: EstimateOptions,
  asJson: boolean,
  refusals: Refusals,
  { messages, output }: Surroundings,
): Promise<number> {
  const { estimateAdding } = await import('@ner-retriever/core');
  const interruption = new Interruption(() => messages.note('Interrupted. Ctrl-C again quits at once.'));
  const progress = new Progress(messages);
  try {
    const estimated = await estimateAdding(directory, records, {
      ...options,
      signal: interruption.signal,
      onRead: ({ documents, bytes }) =>
        progress.show(totalBytes ? bytes / totalBytes : null, () => `${formatAmount(documents, 'document')} read`),
    });
    progress.end();
    refusals.end();
    if (asJson) await output.line(jsonText(estimated, 2));
    else await output.write(formatEstimate(estimated));
    return estimated.refused > 0 ? 1 : 0;
  } catch (error) {
    progress.end();
    refusals.end();
    if (!interruption.signal.aborted) throw error;
    return interrupted;
  } finally {
    interruption.end();
  }
}

function formatEstimate({ sample, ...estimated }: AddEstimate): string {
  const { documents, replaced, unchanged, refused, mentions, skippedMentions, tokens, bytes, elapsedMs } = estimated;
  const rows = [
    [
      'documents',
      `${formatCount(documents - replaced)} to add, ${formatCount(replaced)} to replace; ${formatCount(unchanged)} unchanged, ${formatCount(refused)} refused`,
    ],
    ['mentions', `about ${formatCount(mentions)}; about ${formatCount(skippedMentions)} skipped`],
    ['tokens', `about ${formatCount(tokens)}`],
    ['index', `about ${formatBytes(bytes)} more`],
    [
      'time',
      `about ${formatDuration(elapsedMs)}, at the speed of a sample of ${formatAmount(sample.documents, 'document')}`,
    ],
  ];
  return rows.map(([title = '', value]) => `${title.padEnd(12)}${value}\n`).join('');
}
