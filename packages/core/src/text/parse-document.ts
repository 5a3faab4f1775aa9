import { NerRetrieverError } from '../errors.js';
import { codePointOffsets } from '../mentions/code-point-offsets.js';
import type { Span } from '../mentions/mention.js';
import type { Document, JsonValue, Source } from './document.js';

/** What the numbers of given spans count: UTF-16 code units as JavaScript does, or code points as Python does. */
export type OffsetUnit = 'utf-16' | 'code-points';

/**
 * A value from outside as a document: `id` and `text`, maybe `mentions` and `metadata`; other fields are left out. Spans need only be
 * whole numbers here: one that its text cannot hold is a skipped mention, not a refused document.
 *
 * @throws NerRetrieverError DOCUMENT_INVALID, naming place and field
 */
export function parseDocument(value: unknown, source: Source, offsets: OffsetUnit = 'utf-16'): Document {
  const refuse = (field: string, expected: string, received: unknown): never => {
    throw new NerRetrieverError('DOCUMENT_INVALID', { ...source, field, expected, received: describe(received) });
  };

  if (!isObject(value)) return refuse('document', 'an object with id and text', value);
  const { id, text, mentions, metadata } = value;

  if (typeof id !== 'string' || id === '') return refuse('id', 'a string that is not empty', id);
  if (id.includes('\0')) return refuse('id', 'a string without NUL characters', id);
  if (loneSurrogate.test(id)) return refuse('id', 'whole characters', halfCharacter);
  if (typeof text !== 'string') return refuse('text', 'a string', text);
  if (loneSurrogate.test(text)) return refuse('text', 'whole characters', halfCharacter);
  if (mentions !== undefined && !Array.isArray(mentions))
    return refuse('mentions', 'an array of {start, end}', mentions);
  if (metadata !== undefined && !isObject(metadata)) return refuse('metadata', 'an object', metadata);

  const spans = mentions?.map((mention: unknown, index): Span => {
    if (!isObject(mention)) return refuse(`mentions[${index}]`, '{start, end}', mention);
    const { start, end } = mention;
    if (!Number.isSafeInteger(start)) return refuse(`mentions[${index}].start`, 'a whole number', start);
    if (!Number.isSafeInteger(end)) return refuse(`mentions[${index}].end`, 'a whole number', end);
    return { start: start as number, end: end as number };
  });
  return {
    id,
    text,
    ...(spans && { mentions: offsets === 'code-points' ? toUtf16(spans, text) : spans }),
    ...(metadata !== undefined && { metadata: metadata as { [key: string]: JsonValue } }),
  };
}

/** Half of a surrogate pair: no UTF-8 can hold it, so that offsets and texts would not come back as they went in. */
const loneSurrogate = /\p{Surrogate}/u;

const halfCharacter = Symbol('half of a surrogate pair (an escape such as \\ud83d alone)');

function toUtf16(spans: readonly Span[], text: string): readonly Span[] {
  const offsets = codePointOffsets(text);
  if (!offsets) return spans;
  // Outside the text stays outside by as much.
  const last = offsets.length - 1;
  const convert = (at: number) => (at > last ? text.length + (at - last) : at < 0 ? at : (offsets[at] as number));
  return spans.map(({ start, end }) => ({ start: convert(start), end: convert(end) }));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'symbol') return value.description as string;
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return `${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown} (a ${typeof value})`;
}
