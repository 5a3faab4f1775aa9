import type { Arguments } from './flags/arguments.js';
import type { Flag } from './flags/flag.js';
import type { Messages } from './terminal/messages.js';
import type { Output } from './terminal/output.js';

/** What a command works with beside its arguments. */
export interface Surroundings {
  readonly output: Output;
  readonly messages: Messages;
  readonly environment: NodeJS.ProcessEnv;
}

/** A verb of the command line: its help, its flags, and what it does. Files in commands/ export one each. */
export interface Command {
  /** One line a form: "FILE… --index DIR". */
  readonly usage: readonly string[];
  /** A paragraph or two. */
  readonly about: string;
  readonly flags: readonly Flag[];
  /** Lines to type, without the leading "ner-retriever". */
  readonly examples: readonly string[];
  /** Gives the exit code. */
  run(words: Arguments, surroundings: Surroundings): Promise<number>;
}
