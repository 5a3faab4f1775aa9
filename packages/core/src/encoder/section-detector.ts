import { decodeMentions, type WordScores } from '../mentions/decode-mentions.js';
import { detectedRange } from '../mentions/detected-range.js';
import type { EncodedWindow } from './encoded-window.js';
import type { Section } from './sections.js';
import type { TokenTable } from './token-table.js';

/** A mention that the model's detector found. UTF-16 offsets. */
export interface DetectedMention {
  readonly start: number;
  readonly end: number;
  readonly score: number;
}

/**
 * Reads the mentions of one text from the detector's logits, section after section: a mention that is still open at the end of
 * a section is left to the next one.
 */
export class SectionDetector {
  readonly #text: string;
  readonly #tokens: TokenTable;
  /** The text's first token and the token after its last, in the table. */
  readonly #begin: number;
  readonly #end: number;
  readonly #threshold: number;
  /** First token that is not decoded yet, counted from the text's first; always the first of a word. */
  #next = 0;

  constructor(text: string, tokens: TokenTable, index: number, threshold: number) {
    this.#text = text;
    this.#tokens = tokens;
    this.#begin = tokens.textBegins[index] as number;
    this.#end = tokens.textBegins[index + 1] as number;
    this.#threshold = threshold;
  }

  /** `encoded[i]` is the window `section.indices[i]`. */
  read(section: Section, encoded: readonly EncodedWindow[]): DetectedMention[] {
    const words = this.#wordScores(section, encoded);
    const spans = decodeMentions(words, this.#threshold);
    const open = spans.at(-1);
    const firstTokens = words.firstTokens;
    this.#next = firstTokens[words.count] as number;
    if (!section.last && open?.end === words.count) {
      const nextSectionBegins = section.windows.share(section.indices.at(-2) ?? 0).begin;
      // Longer than two windows: no mention, but it must end somewhere.
      if ((firstTokens[open.first] as number) >= nextSectionBegins) {
        this.#next = firstTokens[open.first] as number;
        spans.pop();
      }
    }
    return spans.flatMap(({ first, end, score }) => {
      const from = this.#tokens.starts[this.#begin + (firstTokens[first] as number)] as number;
      const to = this.#tokens.ends[this.#begin + (firstTokens[end] as number) - 1] as number;
      const range = detectedRange(this.#text, from, to);
      return range === null ? [] : [{ ...range, score }];
    });
  }

  /** The words from `#next` to the end of the section's last share, each scored by its first piece. */
  #wordScores({ windows, indices }: Section, encoded: readonly EncodedWindow[]): WordScores {
    const { wordBegins } = this.#tokens;
    const end = windows.share(indices.at(-1) as number).end;
    const most = end - this.#next;
    const firstTokens = new Int32Array(most + 1);
    const begin = new Float32Array(most);
    const inside = new Float32Array(most);
    let count = 0;
    for (const [i, { range, output, row }] of encoded.entries()) {
      const share = windows.share(indices[i] as number);
      for (let token = Math.max(share.begin, this.#next); token < share.end; token++) {
        if (wordBegins[this.#begin + token] === 0) continue;
        const at = 3 * (row + token - range.begin);
        const outsideLogit = output.detector[at] as number;
        const beginLogit = output.detector[at + 1] as number;
        const insideLogit = output.detector[at + 2] as number;
        const highest = Math.max(outsideLogit, beginLogit, insideLogit);
        const outsideWeight = Math.exp(outsideLogit - highest);
        const beginWeight = Math.exp(beginLogit - highest);
        const insideWeight = Math.exp(insideLogit - highest);
        const sum = outsideWeight + beginWeight + insideWeight;
        firstTokens[count] = token;
        begin[count] = beginWeight / sum;
        inside[count] = insideWeight / sum;
        count++;
      }
    }
    let next = end;
    while (this.#begin + next < this.#end && wordBegins[this.#begin + next] === 0) next++;
    firstTokens[count] = next;
    return { count, firstTokens, begin, inside };
  }
}
