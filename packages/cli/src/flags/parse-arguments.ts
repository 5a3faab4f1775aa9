import { parseArgs } from 'node:util';
import { NerRetrieverError } from '@ner-retriever/core/errors';
import { Arguments } from './arguments.js';
import type { Flag } from './flag.js';
import { nearest } from './nearest.js';

/** Reads the words behind a verb. Unknown flags, missing values and values where none belong are refused, never guessed at. */
export function parseArguments(words: readonly string[], flags: readonly Flag[], command: Command): Arguments {
  const byName = new Map(flags.map((flag) => [flag.name, flag]));
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      flags.map((flag) => [flag.name, { type: flag.value === undefined ? 'boolean' : 'string' } as const]),
    ),
    strict: false,
    tokens: true,
  });

  const values = new Map<string, string[]>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = byName.get(token.name);
    if (flag === undefined) throw unknown(token.rawName, flags, command);
    const given = values.get(flag.name);
    if (given !== undefined && !flag.repeated) {
      throw new NerRetrieverError('OPTION_INVALID', {
        option: token.rawName,
        expected: 'one value',
        received: flag.value === undefined ? 'the flag twice' : `a second one, ${JSON.stringify(token.value)}`,
      });
    }
    values.set(flag.name, [...(given ?? []), readValue(flag, token)]);
  }
  return new Arguments(values, operands, command.usage);
}

interface Command {
  /** "ner-retriever search" */
  readonly title: string;
  readonly usage: string;
}

function readValue(flag: Flag, token: { readonly rawName: string; readonly value?: string | undefined }): string {
  const { rawName, value } = token;
  if (flag.value === undefined) {
    if (value === undefined) return '';
    throw new NerRetrieverError('OPTION_INVALID', {
      option: rawName,
      expected: 'no value',
      received: JSON.stringify(value),
    });
  }
  // A value that looks like a flag is a forgotten value: "--index --json".
  if (value !== undefined && value !== '' && !value.startsWith('--')) return value;
  throw new NerRetrieverError('OPTION_INVALID', {
    option: rawName,
    expected: `a value (${flag.value})`,
    received: value ? `the flag ${value}` : 'none',
  });
}

function unknown(rawName: string, flags: readonly Flag[], command: Command): NerRetrieverError {
  const names = flags.map(({ name }) => name);
  const meant = nearest(rawName.replace(/^-+/, ''), names);
  return new NerRetrieverError('OPTION_UNKNOWN', {
    option: rawName,
    of: command.title,
    expected: names.map((name) => `--${name}`),
    nearest: meant === null ? null : `--${meant}`,
  });
}
