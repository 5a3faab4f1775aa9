import { NerRetrieverError } from './errors.js';

/**
 * Refuses an options object with a key that `of` does not know: an option may be left out, never misspelled in silence.
 *
 * @throws NerRetrieverError OPTION_UNKNOWN, OPTION_INVALID where `options` is no object.
 */
export function checkOptions(of: string, options: object | undefined, expected: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new NerRetrieverError('OPTION_INVALID', {
      option: `the options of ${of}`,
      expected: 'an object',
      received: describe(options),
    });
  }
  for (const option of Object.keys(options)) {
    if (!expected.includes(option)) throw new NerRetrieverError('OPTION_UNKNOWN', { option, of, expected });
  }
}

/** Throws OPTION_INVALID unless `holds`. */
export function checkOption(holds: boolean, option: string, expected: string, received: unknown): void {
  if (!holds) throw new NerRetrieverError('OPTION_INVALID', { option, expected, received: describe(received) });
}

/** A value as a message shows it: short, and with its type. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return `an object (${value.constructor?.name ?? 'without a prototype'})`;
  if (typeof value === 'function') return 'a function';
  const text = String(value);
  return `${typeof value} ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}
