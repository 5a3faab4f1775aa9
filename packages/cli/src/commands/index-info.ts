import type { IndexInfo } from '@ner-retriever/core';
import type { Command } from '../command.js';
import { formatBytes, formatCount } from '../terminal/format.js';
import { jsonText } from '../terminal/json-text.js';
import { sanitise } from '../terminal/sanitise.js';

export const indexInfo: Command = {
  usage: ['--index DIR'],
  about: 'Says what an index folder holds: documents, mentions, bytes, and the model that made it.',
  flags: [
    { name: 'index', value: 'DIR', help: 'the index folder' },
    {
      name: 'model',
      value: 'DIR|ID',
      help: 'where the model of the index lies now, if it was moved',
    },
    { name: 'json', help: 'as JSON' },
  ],
  examples: ['index-info --index wiki.index', 'index-info --index wiki.index --json'],

  async run(words, { output }) {
    const directory = words.required('index');
    const model = words.text('model');
    if (words.operands.length > 0) words.refuse('flags only', JSON.stringify(words.operands[0]));
    const { Retriever } = await import('@ner-retriever/core');
    await using retriever = await Retriever.open(directory, { readOnly: true, ...(model !== undefined && { model }) });
    const info = retriever.info();
    const bytesPerMention = info.mentions === 0 ? null : info.bytes / info.mentions;
    if (words.has('json')) await output.line(jsonText({ ...info, bytesPerMention }, 2));
    else await output.write(formatInfo(info, bytesPerMention));
    return 0;
  },
};

function formatInfo(info: IndexInfo, bytesPerMention: number | null): string {
  const { model } = info;
  const rows = [
    ['index', sanitise(info.directory)],
    ['format', String(info.formatVersion)],
    ['documents', formatCount(info.documents)],
    ['mentions', formatCount(info.mentions)],
    ['dimensions', String(info.dimensions)],
    ['size', formatBytes(info.bytes)],
    ['a mention', bytesPerMention === null ? '–' : formatBytes(bytesPerMention)],
    ['model', `${sanitise(model.name)} ${sanitise(model.version)}, ${sanitise(model.directory)}`],
    ['fingerprint', model.fingerprint],
  ];
  return rows.map(([title = '', value]) => `${title.padEnd(12)}${value}\n`).join('');
}
