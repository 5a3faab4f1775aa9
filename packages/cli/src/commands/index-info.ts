import type { ApproximateMeasure, IndexInfo } from '@ner-retriever/core';
import { approximateFlags, approximateParameters } from '../approximate-parameters.js';
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
    { name: 'measure', help: 'also asks the approximate index and the exact scan the same: recall and time' },
    { name: 'limit', value: 'N', help: 'documents a query of --measure (default: 100)' },
    ...approximateFlags,
    { name: 'json', help: 'as JSON' },
  ],
  examples: [
    'index-info --index wiki.index',
    'index-info --index wiki.index --json',
    'index-info --index wiki.index --measure --ef-search 128',
  ],

  async run(words, { output }) {
    const directory = words.required('index');
    if (words.operands.length > 0) words.refuse('flags only', JSON.stringify(words.operands[0]));
    for (const flag of ['limit', ...approximateFlags.map(({ name }) => name)]) {
      if (words.has(flag) && !words.has('measure')) words.refuse(`--${flag} with --measure`, `--${flag} alone`);
    }
    const limit = words.integer('limit', 1);
    const approximate = approximateParameters(words);
    const { measureApproximateIndex, readIndexInfo } = await import('@ner-retriever/core');
    const info = await readIndexInfo(directory);
    const measured = words.has('measure')
      ? await measureApproximateIndex(directory, { approximate, ...(limit !== undefined && { limit }) })
      : null;
    const bytesPerMention = info.mentions === 0 ? null : info.bytes / info.mentions;
    if (words.has('json')) await output.line(jsonText({ ...info, bytesPerMention, ...(measured && { measured }) }, 2));
    else await output.write(formatInfo(info, bytesPerMention, measured));
    return 0;
  },
};

function formatInfo(info: IndexInfo, bytesPerMention: number | null, measured: ApproximateMeasure | null): string {
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
    ['approximate', approximateIndex(info)],
    ...(measured ? [['measured', measurement(measured)]] : []),
    ['model', `${sanitise(model.name)} ${sanitise(model.version)}, ${sanitise(model.directory ?? 'the bundled one')}`],
    ['fingerprint', model.fingerprint],
  ];
  return rows.map(([title = '', value]) => `${title.padEnd(12)}${value}\n`).join('');
}

function deadRows({ deadRows: rows, reclaimableBytes }: IndexInfo): string {
  if (reclaimableBytes === 0) return formatCount(rows);
  return `${formatCount(rows)}; "compact" gives back ${formatBytes(reclaimableBytes)} or more`;
}

function approximateIndex({ approximate }: IndexInfo): string {
  if (!approximate) return 'none';
  const { factory, rows, bytes, isCurrent } = approximate;
  const name = factory ?? 'of another maker';
  if (!isCurrent) return `${name}, of no use since the index was compacted: build it again`;
  return `${name}, ${formatAmount(rows, 'row')}, ${formatBytes(bytes)}`;
}

function measurement({ queries, limit, recall, exactMs, approximateMs }: ApproximateMeasure): string {
  const times = `${approximateMs.toFixed(2)} ms a query, exact ${exactMs.toFixed(2)} ms`;
  return `recall@${limit} ${recall.toFixed(3)} over ${formatAmount(queries, 'mention')} as queries; ${times}`;
}
