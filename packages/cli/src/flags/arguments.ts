import { NerRetrieverError } from '@ner-retriever/core/errors';

/** The words behind a verb, read: flags with their values, and operands (what is no flag), each asked for by the type it must have. */
export class Arguments {
  readonly operands: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;
  readonly #usage: string;

  constructor(values: ReadonlyMap<string, readonly string[]>, operands: readonly string[], usage: string) {
    this.#values = values;
    this.operands = operands;
    this.#usage = usage;
  }

  has(flag: string): boolean {
    return this.#values.has(flag);
  }

  all(flag: string): readonly string[] {
    return this.#values.get(flag) ?? [];
  }

  text(flag: string): string | undefined {
    return this.#values.get(flag)?.[0];
  }

  required(flag: string): string {
    return this.text(flag) ?? this.refuse(`--${flag}`, 'none');
  }

  choice<Choice extends string>(flag: string, choices: readonly Choice[]): Choice | undefined {
    const text = this.text(flag);
    if (text === undefined) return undefined;
    return choices.find((choice) => choice === text) ?? this.#refuseValue(flag, choices.join(' or '), text);
  }

  integer(flag: string, minimum: number): number | undefined {
    const text = this.text(flag);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= minimum) return value;
    return this.#refuseValue(flag, `a whole number from ${minimum}`, text);
  }

  number(flag: string, expected = 'a number'): number | undefined {
    const text = this.text(flag);
    if (text === undefined) return undefined;
    if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text);
    return this.#refuseValue(flag, expected, text);
  }

  /** Refuses two flags of which only one can be meant. */
  exclusive(one: string, other: string): void {
    if (this.has(one) && this.has(other)) this.refuse(`--${one} or --${other}`, 'both');
  }

  /** Wrong usage: says what was expected, what came, and how the command is used. */
  refuse(expected: string, received: string): never {
    throw new NerRetrieverError('ARGUMENTS_INVALID', { expected, received, usage: this.#usage });
  }

  #refuseValue(flag: string, expected: string, received: string): never {
    throw new NerRetrieverError('OPTION_INVALID', {
      option: `--${flag}`,
      expected,
      received: JSON.stringify(received),
    });
  }
}
