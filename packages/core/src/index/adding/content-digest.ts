import { createHash } from 'node:crypto';
import type { Document } from '../../text/document.js';

/** Where the mentions of a document come from. */
export type MentionsOption = 'given' | 'detect' | undefined;

/**
 * SHA-256 of all that decides what the index holds for a document: the same digest means that there is nothing to do.
 *
 * @param detector tells the detector that finds mentions apart from others; null: the model's own
 */
export function contentDigest(
  { text, mentions, metadata }: Document,
  option: MentionsOption,
  detector: string | null,
): Uint8Array {
  const detected = option === 'detect' || (option === undefined && mentions === undefined);
  const spans = mentions?.map(({ start, end }) => [start, end]) ?? null;
  // No JSON holds a NUL: where it ends and the text begins is never in doubt.
  const rest = JSON.stringify([detected ? (detector ?? true) : false, spans, metadata ?? null]);
  return createHash('sha256').update(rest).update('\0').update(text).digest();
}
