/** Characters a request: about ten thousand tokens, enough to fill batches with texts of near lengths, little enough to stop soon. */
const MOST_CHARACTERS = 48_000;
const FEWEST_CHARACTERS = 4_000;

/** Half-open range of texts. */
export interface TextRange {
  readonly begin: number;
  readonly end: number;
}

/** Deals texts out in order, in requests of about equal length: one a worker at least, where there is enough for that. */
export function dealTexts(texts: readonly string[], workers: number): TextRange[] {
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  const target = Math.min(MOST_CHARACTERS, Math.max(FEWEST_CHARACTERS, characters / workers));
  const ranges: TextRange[] = [];
  let begin = 0;
  let filled = 0;
  for (const [index, text] of texts.entries()) {
    filled += text.length;
    if (filled < target) continue;
    ranges.push({ begin, end: index + 1 });
    begin = index + 1;
    filled = 0;
  }
  if (begin < texts.length) ranges.push({ begin, end: texts.length });
  return ranges;
}
