import { sanitise } from './sanitise.js';

/** A part of a text around a mention, in three pieces that are safe to print. */
export interface Snippet {
  readonly before: string;
  readonly mention: string;
  readonly after: string;
}

/** The mention with as much of its text as fits into `width` characters, cut between words where words allow it. */
export function snippet(
  text: string,
  mention: { readonly start: number; readonly end: number },
  width: number,
): Snippet {
  const shown = shorten(text.slice(mention.start, mention.end), width);
  const room = Math.max(0, width - shown.length);
  const behind = text.length - mention.end;
  // What one side does not need, the other may have.
  const left = Math.min(mention.start, Math.max(Math.floor(room / 2), room - behind));
  const right = Math.min(behind, room - left);
  return {
    before: sanitise(cutStart(text.slice(mention.start - left, mention.start), left < mention.start)),
    mention: sanitise(shown),
    after: sanitise(cutEnd(text.slice(mention.end, mention.end + right), right < behind)),
  };
}

function shorten(text: string, width: number): string {
  const longest = Math.max(20, width);
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

/** Drops the piece of a word, or of a character, that a cut has left at the start. */
function cutStart(text: string, cut: boolean): string {
  if (!cut) return text;
  const space = text.search(/\s/);
  const kept =
    space >= 0 && space < text.length - 1 ? text.slice(space + 1) : text.replace(/^[\udc00-\udfff\p{M}\u200d]+/u, '');
  return `…${kept}`;
}

function cutEnd(text: string, cut: boolean): string {
  if (!cut) return text;
  const space = text.search(/\s\S*$/);
  const kept = space > 0 ? text.slice(0, space) : text.replace(/[\ud800-\udbff]$/u, '');
  return `${kept}…`;
}
