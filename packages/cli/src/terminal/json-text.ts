/** What JSON leaves as it is but a terminal may obey: DEL, C1 controls, line separators, direction marks. */
const risky = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** JSON whose values are exact and whose bytes are harmless on a terminal: risky characters are written as \u escapes. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    risky,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
