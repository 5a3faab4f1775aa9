import type { Command } from '../command.js';
import { announceDevices, deviceFlag, deviceOf } from '../device-flag.js';
import { sanitise } from '../terminal/sanitise.js';

export const serve: Command = {
  usage: ['--index DIR'],
  about: `Answers searches over HTTP until Ctrl-C: POST /v1/search {"query" | "queries", "limit", "minScore", "mode": "vectors" | "hybrid"}, GET /v1/info, GET /health.
Listens on this machine only, unless --host says otherwise; there is no password, so whoever reaches the address may search.`,
  flags: [
    { name: 'index', value: 'DIR', help: 'the index folder' },
    {
      name: 'model',
      value: 'DIR|ID',
      help: 'where the model of the index lies now, if it was moved',
    },
    deviceFlag,
    { name: 'host', value: 'ADDRESS', help: 'the address to listen on (default: 127.0.0.1)' },
    { name: 'port', value: 'N', help: 'the port; 0 takes a free one (default: 8080)' },
    {
      name: 'allow-host',
      value: 'NAME',
      repeated: true,
      help: 'a further name by which callers may call (Host), repeatable',
    },
    { name: 'allow-origin', value: 'ORIGIN', repeated: true, help: 'an origin whose pages may call, repeatable' },
  ],
  examples: [
    'serve --index wiki.index',
    'serve --index wiki.index --host 0.0.0.0 --port 80 --allow-host search.example',
  ],

  async run(words, { messages }) {
    const directory = words.required('index');
    const model = words.text('model');
    const host = words.text('host');
    const port = words.integer('port', 0);
    if (words.operands.length > 0) words.refuse('flags only', JSON.stringify(words.operands[0]));

    const { Retriever } = await import('@ner-retriever/core');
    const { serve: listen } = await import('@ner-retriever/server');
    await using retriever = await Retriever.open(directory, {
      readOnly: true,
      ...(model !== undefined && { model }),
      ...deviceOf(words),
    });
    if (words.has('verbose')) announceDevices({ ...retriever.devices }, words, messages);
    const service = await listen({
      retriever,
      ...(host !== undefined && { host }),
      ...(port !== undefined && { port }),
      allowedHosts: words.all('allow-host'),
      allowedOrigins: words.all('allow-origin'),
      onUnexpectedError: (error) =>
        messages.error(sanitise(error instanceof Error ? (error.stack ?? error.message) : String(error))),
    });
    messages.note(`Listening on ${service.url} (Ctrl-C ends)`);
    await service.closed;
    return 0;
  },
};
