import type { Verification, VerifyProgress } from '@ner-retriever/core';
import type { Command } from '../command.js';
import { formatAmount, formatBytes, formatDuration } from '../terminal/format.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';
import { sanitise } from '../terminal/sanitise.js';

export const verify: Command = {
  usage: ['--index DIR'],
  about: `Reads every byte of an index and checks it: the vectors and the records of documents against their checksums, the catalog's structure, the
full text against the texts, the approximate index if there is one, and whether every row has its document and every document its rows. Names all that is wrong, and exits with 1 if
something is. Changes nothing and needs no model; searching and adding may go on meanwhile.`,
  flags: [
    { name: 'index', value: 'DIR', help: 'the index folder' },
    { name: 'json', help: 'the result as JSON' },
  ],
  examples: ['verify --index wiki.index', 'verify --index wiki.index --json'],

  async run(words, { output, messages }) {
    const directory = words.required('index');
    if (words.operands.length > 0) words.refuse('flags only', JSON.stringify(words.operands[0]));
    const { verifyIndex } = await import('@ner-retriever/core');
    const progress = new Progress(messages);
    const found = await verifyIndex(directory, {
      onProgress: (state) => progress.show(state.bytes / state.totalBytes, () => doing(state)),
    }).finally(() => progress.end());
    if (words.has('json')) await output.line(jsonText(found, 2));
    else await output.write(report(directory, found));
    return found.whole ? 0 : 1;
  },
};

const parts = { vectors: 'reading vectors', documents: 'reading documents', catalog: 'checking the catalog' };

function doing({ part, bytes, totalBytes }: VerifyProgress): string {
  return `${parts[part]}: ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`;
}

function report(directory: string, found: Verification): string {
  const lines = found.problems.map(({ file, reason }) => `${sanitise(file)}: ${sanitise(reason)}`);
  const more = found.problemCount - found.problems.length;
  if (more > 0) lines.push(`… and ${formatAmount(more, 'more problem')}`);
  for (const { file, reason } of found.uncounted) lines.push(`(${sanitise(file)}: ${reason}; no problem)`);
  const read = `${formatAmount(found.documents, 'document')}, ${formatAmount(found.rows, 'row')}, ${formatBytes(found.bytes)} read in ${formatDuration(found.elapsedMs)}`;
  lines.push(
    found.whole
      ? `${sanitise(directory)} is whole: ${read}`
      : `${sanitise(directory)} is damaged (${formatAmount(found.problemCount, 'problem')}; ${read}). Restore the folder from a copy, or make the index again: "export --format jsonl" needs the documents alone.`,
  );
  return `${lines.join('\n')}\n`;
}
