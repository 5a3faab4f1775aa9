import type { IndexInfo } from '@ner-retriever/core';
import type { Command } from '../command.js';
import { formatAmount, formatBytes, formatCount } from '../terminal/format.js';
import { jsonText } from '../terminal/json-text.js';
import { sanitise } from '../terminal/sanitise.js';

export const indexInfo: Command = {
  usage: ['--index DIR'],
  about: `Says what an index folder holds: documents, mentions, how the vectors are kept, bytes, what compacting would give back,
and the model that made it, which is not needed for this.`,
  flags: [
    { name: 'index', value: 'DIR', help: 'the index folder' },
    { name: 'json', help: 'as JSON' },
  ],
  examples: ['index-info --index wiki.index', 'index-info --index wiki.index --json'],

  async run(words, { output }) {
    const directory = words.required('index');
    if (words.operands.length > 0) words.refuse('flags only', JSON.stringify(words.operands[0]));
    const { readIndexInfo } = await import('@ner-retriever/core');
    const info = await readIndexInfo(directory);
    const bytesPerMention = info.mentions === 0 ? null : info.bytes / info.mentions;
    if (words.has('json')) await output.line(jsonText({ ...info, bytesPerMention }, 2));
    else await output.write(formatInfo(info, bytesPerMention));
    return 0;
  },
};

function formatInfo(info: IndexInfo, bytesPerMention: number | null): string {
  const { model } = info;
  const size = `${formatBytes(info.bytes)} (vectors ${formatBytes(info.vectorBytes)}, documents ${formatBytes(info.catalogBytes)})`;
  const rows = [
    ['index', sanitise(info.directory)],
    ['format', String(info.formatVersion)],
    ['documents', formatCount(info.documents)],
    ['mentions', formatCount(info.mentions)],
    ['vectors', `${info.dimensions} × ${info.precision}, in ${formatAmount(info.segments, 'segment')}`],
    ['size', size],
    ['a mention', bytesPerMention === null ? '–' : formatBytes(bytesPerMention)],
    ['dead rows', deadRows(info)],
    ['model', `${sanitise(model.name)} ${sanitise(model.version)}, ${sanitise(model.directory ?? 'the bundled one')}`],
    ['fingerprint', model.fingerprint],
  ];
  return rows.map(([title = '', value]) => `${title.padEnd(12)}${value}\n`).join('');
}

function deadRows({ deadRows: rows, reclaimableBytes }: IndexInfo): string {
  if (reclaimableBytes === 0) return formatCount(rows);
  return `${formatCount(rows)}; "compact" gives back ${formatBytes(reclaimableBytes)} or more`;
}
