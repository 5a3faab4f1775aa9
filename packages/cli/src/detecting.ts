import type { MentionDetector } from '@ner-retriever/core';
import type { MalformedGeneration } from '@ner-retriever/core/detection';
import type { Arguments } from './flags/arguments.js';
import type { Flag } from './flags/flag.js';
import { nearest } from './flags/nearest.js';
import { BoundedNotices } from './terminal/bounded-notices.js';
import type { Messages } from './terminal/messages.js';
import { sanitise } from './terminal/sanitise.js';

/** Flags of every verb that finds mentions. */
export const detectingFlags: readonly Flag[] = [
  {
    name: 'detector',
    value: 'KIND[:WHERE]',
    help: "what finds mentions: model (default: the model's own detector), gazetteer:FILE (names, one a line), token-classification:DIR and gliner:DIR (ONNX models), generative:URL (a chat model behind an OpenAI-compatible endpoint), transformers:DIR-or-ID (a chat model run here by @huggingface/transformers)",
  },
  { name: 'labels', value: 'A,B,C', help: 'gliner: the types of mentions to look for' },
  { name: 'detector-model', value: 'NAME', help: "generative: the model's name at the endpoint" },
  {
    name: 'detector-key-file',
    value: 'FILE',
    help: 'generative: a file that holds the key (default: the environment variable OPENAI_API_KEY)',
  },
];

/** A detector for as long as a command runs. */
export interface Detecting extends AsyncDisposable {
  /** Null: the model's own. */
  readonly detector: MentionDetector | null;
}

type Library = typeof import('@ner-retriever/core/detection');

/** A kind of detector that lies somewhere. */
interface Kind {
  /** What WHERE is: "FILE". */
  readonly where: string;
  /** Flags that only this kind has. */
  readonly flags?: readonly string[];
  /** Checks the flags; what it gives opens the detector. */
  prepare(
    where: string,
    words: Arguments,
    onMalformed: (malformed: MalformedGeneration) => void,
  ): (library: Library) => Promise<MentionDetector>;
}

const kinds = new Map<string, Kind>([
  [
    'gazetteer',
    {
      where: 'FILE',
      prepare:
        (file) =>
        ({ openGazetteer }) =>
          openGazetteer(file),
    },
  ],
  [
    'token-classification',
    {
      where: 'DIR',
      prepare:
        (directory) =>
        ({ openTokenClassifier }) =>
          openTokenClassifier(directory),
    },
  ],
  [
    'gliner',
    {
      where: 'DIR',
      flags: ['labels'],
      prepare(directory, words) {
        const labels = labelsOf(words);
        return ({ openGliner }) => openGliner(directory, { labels });
      },
    },
  ],
  [
    'generative',
    {
      where: 'URL',
      flags: ['detector-model', 'detector-key-file'],
      prepare(url, words, onMalformed) {
        const model =
          words.text('detector-model') ?? words.refuse('--detector-model with --detector generative', 'none');
        const keyFile = words.text('detector-key-file');
        return async ({ openChatEndpoint, openGenerativeDetector }) => {
          const chat = await openChatEndpoint({ url, model, ...(keyFile !== undefined && { keyFile }) });
          return openGenerativeDetector({ chat, onMalformed });
        };
      },
    },
  ],
  [
    'transformers',
    {
      where: 'DIR-or-ID',
      prepare:
        (model, _words, onMalformed) =>
        async ({ openTransformersChat, openGenerativeDetector }) =>
          openGenerativeDetector({ chat: await openTransformersChat(model), onMalformed }),
    },
  ],
]);

/** Whether another detector is asked for than the model's own. */
export function namesDetector(words: Arguments): boolean {
  return words.has('detector') && words.text('detector') !== 'model';
}

/** Opens the detector that a verb was given; every flag is checked before the first file is read. */
export async function openDetector(words: Arguments, messages: Messages): Promise<Detecting> {
  const given = words.text('detector') ?? 'model';
  const colon = given.indexOf(':');
  const name = colon < 0 ? given : given.slice(0, colon);
  const where = colon < 0 ? '' : given.slice(colon + 1);
  const kind = kinds.get(name);
  for (const [other, { flags = [] }] of kinds) {
    for (const flag of flags)
      if (words.has(flag) && other !== name) words.refuse(`--${flag} with --detector ${other}`, `it with ${name}`);
  }
  if (name === 'model' && colon < 0) return { detector: null, [Symbol.asyncDispose]: async () => {} };
  if (kind === undefined) return refuseKind(words, given, name);
  if (where === '') words.refuse(`--detector ${name}:${kind.where}`, `"${given}"`);

  const malformed = new BoundedNotices((text) => messages.warn(text));
  const open = kind.prepare(where, words, (each) => malformed.add(noticeOf(each)));
  const detector = await open(await import('@ner-retriever/core/detection'));
  return {
    detector,
    async [Symbol.asyncDispose]() {
      await detector.close();
      malformed.end('answers of the chat model that were not well formed');
    },
  };
}

function labelsOf(words: Arguments): string[] {
  const given = words.text('labels') ?? words.refuse('--labels A,B,C with --detector gliner', 'none');
  const labels = given.split(',').map((label) => label.trim());
  if (labels.includes('')) words.refuse('--labels A,B,C', JSON.stringify(given));
  return labels;
}

function refuseKind(words: Arguments, given: string, name: string): never {
  const forms = ['model', ...[...kinds].map(([each, { where }]) => `${each}:${where}`)];
  const meant = nearest(name, ['model', ...kinds.keys()]);
  const hint = meant !== null && meant !== name ? ` (did you mean "${meant}"?)` : '';
  return words.refuse(`--detector ${forms.join(' or ')}`, `"${given}"${hint}`);
}

/** What was wrong with the answers for a passage, and what counts all the same. */
function noticeOf({ text, copied, failures, found, attempts }: MalformedGeneration): string {
  const faults = [
    ...(copied ? [] : ['it is no copy of the text']),
    ...failures.slice(0, 3).map(({ reason, marked }) => `${faultTitles[reason]} ${JSON.stringify(marked)}`),
    ...(failures.length > 3 ? [`${failures.length - 3} more`] : []),
  ];
  const passage = text.trim().replace(/\s+/g, ' ');
  const shown = passage.length > 60 ? `${passage.slice(0, 60)}…` : passage;
  return sanitise(
    `the chat model did not mark "${shown}" well, asked ${attempts} times: ${faults.join(', ')}; mentions that count all the same: ${found}`,
  );
}

const faultTitles: Readonly<Record<MalformedGeneration['failures'][number]['reason'], string>> = {
  unpaired: 'a mark without its partner,',
  empty: 'marks round nothing,',
  'not-in-text': 'a mark round what the text does not hold,',
  ambiguous: 'a mark that fits several spellings,',
};
