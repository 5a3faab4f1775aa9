/** A text by what is left when looks do not count, every unit with its place in the text. */
export interface FoldedText {
  /** In lower case, without accents' composition, white space, invisible characters and #; quotes and dashes are all alike. */
  readonly units: string;
  /** [units.length + 1], where the character of each unit starts; the last is the text's length. */
  readonly starts: readonly number[];
  /** [units.length + 1], where the character before each unit ends; the first is 0. */
  readonly ends: readonly number[];
}

const alike = new Map([
  ...[..."'‘’‚‛′ʼ`´"].map((quote) => [quote, "'"] as const),
  ...[...'"“”„‟«»″'].map((quote) => [quote, '"'] as const),
  ...[...'-‐‑‒–—―−'].map((dash) => [dash, '-'] as const),
]);

const leftOut = /[\s\p{Cf}#]/u;

/** Folds a text, so that two that differ in looks alone have the same `units`. */
export function foldText(text: string): FoldedText {
  let units = '';
  const starts: number[] = [];
  const ends = [0];
  let start = 0;
  for (const character of text) {
    const end = start + character.length;
    for (const part of alike.get(character) ?? character.normalize('NFKD').toLowerCase()) {
      if (leftOut.test(part)) continue;
      units += part;
      for (let unit = 0; unit < part.length; unit++) {
        starts.push(start);
        ends.push(end);
      }
    }
    start = end;
  }
  starts.push(text.length);
  return { units, starts, ends };
}
