import { createRequire } from 'node:module';
import process from 'node:process';
import { NerRetrieverError } from '@ner-retriever/core/errors';
import { type Verb, verbs } from './commands.js';
import { nearest } from './flags/nearest.js';
import { parseArguments } from './flags/parse-arguments.js';
import { commandHelp, commonFlags, overview } from './help.js';
import { interrupted } from './terminal/interruption.js';
import { Messages } from './terminal/messages.js';
import { Output } from './terminal/output.js';
import { sanitise } from './terminal/sanitise.js';
import { type Style, styleFor } from './terminal/style.js';

/** Runs the command line; the words are those behind `ner-retriever`. Gives the exit code: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted. */
export async function main(words: readonly string[]): Promise<number> {
  const environment = process.env;
  const output = new Output(process.stdout);
  const messages = new Messages(process.stderr, environment);
  const style = styleFor(output.isTerminal, environment);
  try {
    const [name, ...rest] = words;
    if (name === undefined) {
      messages.note(overview(verbs, messages.style));
      return 2;
    }
    if (['--help', '-h', 'help'].includes(name)) {
      await output.write(rest[0] === undefined ? overview(verbs, style) : await helpOf(verbNamed(rest[0]), style));
      return 0;
    }
    if (['--version', '-V', 'version'].includes(name)) {
      await output.line(version());
      return 0;
    }
    const verb = verbNamed(name);
    if (askedForHelp(rest)) {
      await output.write(await helpOf(verb, style));
      return 0;
    }
    const command = await verb.load();
    const read = parseArguments(rest, [...command.flags, ...commonFlags], {
      title: `ner-retriever ${verb.name}`,
      usage: `ner-retriever ${verb.name} ${command.usage[0]}`,
    });
    const exitCode = await command.run(read, { output, messages, environment });
    await output.flush();
    // Interrupted while it waited for more input: that must not keep the process.
    if (exitCode === interrupted) process.stdin.destroy();
    return exitCode;
  } catch (error) {
    messages.endLive();
    if (NerRetrieverError.isInstance(error)) {
      messages.error(sanitise(error.message));
      return error.exitCode;
    }
    if (error instanceof AggregateError) {
      // The native addon does not load: its message says, over several lines, what was tried and what to do.
      messages.error(error.message.split('\n').map(sanitise).join('\n'));
      messages.note('"ner-retriever doctor" says what else works here, and what does not.');
      return 1;
    }
    messages.error(`unexpected: ${sanitise(error instanceof Error ? error.message : String(error))}`);
    if (words.includes('--verbose')) messages.note((error instanceof Error && error.stack) || '(no stack)');
    else
      messages.note(
        'This is a fault of ner-retriever. Please report it, with what the same command prints with --verbose.',
      );
    return 1;
  }
}

function verbNamed(name: string): Verb {
  const verb = verbs.find((each) => each.name === name);
  if (verb !== undefined) return verb;
  const names = verbs.map((each) => each.name);
  throw new NerRetrieverError('COMMAND_UNKNOWN', { command: name, expected: names, nearest: nearest(name, names) });
}

/** Help is given whatever else stands on the line, wrong or half-written. */
function askedForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return words.slice(0, end < 0 ? undefined : end).some((word) => word === '--help' || word === '-h');
}

async function helpOf(verb: Verb, style: Style): Promise<string> {
  return commandHelp(verb.name, await verb.load(), style);
}

function version(): string {
  return (createRequire(import.meta.url)('../package.json') as { version: string }).version;
}
