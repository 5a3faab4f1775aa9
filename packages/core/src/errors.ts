/**
 * Every error that this project throws on purpose: code -> message -> HTTP status -> exit code, in one table.
 * A message says what was expected, what came, and what to do. docs/errors.md is checked against this table.
 */

/** The facts of an error, as fields: a message is made from them, and programs read them. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

interface ErrorKind {
  /** HTTP status of the server's answer. */
  readonly status: number;
  /** Exit code of the command line: 1 something was refused or failed, 2 wrong usage. */
  readonly exitCode: 1 | 2;
  /** `details` always carries what the message names. */
  readonly message: (details: ErrorDetails) => string;
}

function didYouMean(d: ErrorDetails): string {
  return d.nearest ? ` Did you mean "${d.nearest}"?` : '';
}

const kinds = {
  OPTION_UNKNOWN: {
    status: 400,
    exitCode: 2,
    message: (d) =>
      `Unknown option "${d.option}" for ${d.of}. Expected one of: ${(d.expected as string[]).join(', ')}.${didYouMean(d)}`,
  },
  OPTION_INVALID: {
    status: 400,
    exitCode: 2,
    message: (d) => `Expected ${d.expected} for ${d.option}, but received ${d.received}.`,
  },
  COMMAND_UNKNOWN: {
    status: 400,
    exitCode: 2,
    message: (d) =>
      `Unknown command "${d.command}". Expected one of: ${(d.expected as string[]).join(', ')}.${didYouMean(d)}`,
  },
  ARGUMENTS_INVALID: {
    status: 400,
    exitCode: 2,
    message: (d) => `Expected ${d.expected}, but received ${d.received}. Usage: ${d.usage}`,
  },
  FILE_UNREADABLE: {
    status: 400,
    exitCode: 1,
    message: (d) => `Cannot read "${d.file}": ${d.reason}.`,
  },
  CORPUS_MALFORMED: {
    status: 400,
    exitCode: 1,
    message: (d) => `${d.file}:${d.line}: expected ${d.expected}, but received ${d.received}.`,
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof kinds;

export const errorCodes = Object.keys(kinds) as ErrorCode[];

const marker = Symbol.for('ner-retriever.error');

export class NerRetrieverError extends Error {
  override readonly name = 'NerRetrieverError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  readonly [marker] = true;

  constructor(code: ErrorCode, details: ErrorDetails, options?: { cause?: unknown }) {
    super(kinds[code].message(details), options);
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return kinds[this.code].status;
  }

  get exitCode(): 1 | 2 {
    return kinds[this.code].exitCode;
  }

  /** True for errors of every copy of this package in the process, unlike `instanceof`. */
  static isInstance(value: unknown): value is NerRetrieverError {
    return typeof value === 'object' && value !== null && marker in value;
  }
}
