import type { SkipReason, Span } from './mention.js';

/** Why a span cannot be used, as far as its text alone tells; null where it can. */
export function spanFault(text: string, { start, end }: Span): SkipReason | null {
  if (start < 0 || end > text.length || start > text.length) return 'outside-text';
  if (start >= end) return 'empty';
  if (splitsPair(text, start) || splitsPair(text, end)) return 'splits-character';
  return null;
}

/** True where `offset` lies between the two halves of one code point. */
function splitsPair(text: string, offset: number): boolean {
  return (text.charCodeAt(offset - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(offset) & 0xfc00) === 0xdc00;
}
