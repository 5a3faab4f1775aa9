import type { Command } from './command.js';
import type { Verb } from './commands.js';
import type { Flag } from './flags/flag.js';
import type { Style } from './terminal/style.js';

/** Flags that every verb has. */
export const commonFlags: readonly Flag[] = [
  { name: 'help', help: 'this help' },
  { name: 'verbose', help: 'where the work is done (CPU or GPU), and stack traces of unexpected errors' },
];

/** The first level: what verbs there are. */
export function overview(verbs: readonly Verb[], style: Style): string {
  const width = Math.max(...verbs.map(({ name }) => name.length));
  return [
    `Finds every document that mentions an entity of a type nobody foresaw.`,
    '',
    style.bold('Usage'),
    '  ner-retriever VERB …',
    '',
    style.bold('Verbs'),
    ...verbs.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    style.bold('Examples'),
    '  ner-retriever index wiki.jsonl --index wiki.index',
    '  ner-retriever search "dinosaur" --index wiki.index',
    '',
    '"ner-retriever VERB --help" tells the rest. --version prints the version.',
    '',
  ].join('\n');
}

/** The second level: one verb, its flags, examples. */
export function commandHelp(name: string, command: Command, style: Style): string {
  const flags = [...command.flags, ...commonFlags];
  const width = Math.max(...flags.map((flag) => shown(flag).length));
  return [
    command.about,
    '',
    style.bold('Usage'),
    ...command.usage.map((form) => `  ner-retriever ${name} ${form}`.trimEnd()),
    '',
    style.bold('Flags'),
    ...flags.flatMap((flag) => hanging(`  ${shown(flag).padEnd(width)}  `, flag.help)),
    '',
    style.bold('Examples'),
    ...command.examples.map((example) => `  ner-retriever ${example}`),
    '',
  ].join('\n');
}

function shown({ name, value }: Flag): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

/** Breaks a help text between words, its further lines under its first. */
function hanging(head: string, text: string): string[] {
  const lines: string[] = [];
  let line = head;
  for (const word of text.split(' ')) {
    if (line.length > head.length && line.length + word.length > lineWidth) {
      lines.push(line.trimEnd());
      line = ' '.repeat(head.length);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}

const lineWidth = 100;
