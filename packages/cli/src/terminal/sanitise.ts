/** Controls (C0, DEL, C1), line separators, and the characters that reorder a line or hide in it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what this looks for.
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Text of documents as a terminal may see it, on one line: white space becomes a space, other controls become visible signs,
 * halves of surrogate pairs the replacement character. A document can neither move the cursor nor colour nor reorder a line.
 */
export function sanitise(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/\r\n/g, ' ')
    .replace(unsafe, visible);
}

function visible(character: string): string {
  const code = character.charCodeAt(0);
  if (character === '\t' || character === '\n' || character === '\r' || code === 0x2028 || code === 0x2029) return ' ';
  // Unicode has a picture for each of the C0 controls and DEL.
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '\u2421' : '\ufffd';
}
