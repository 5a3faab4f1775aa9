import { NerRetrieverError } from '../errors.js';
import type { LabelledMention } from './labelled-corpus.js';
import type { NeretrieveLabel } from './neretrieve-label.js';

/**
 * Mentions of a paragraph in UTF-16 offsets, in the order of the text; places of several types that are the same range are one mention.
 * Words are parted by single spaces and carry their punctuation, so a mention is narrowed to its phrase where that stands in them.
 *
 * @throws NerRetrieverError CORPUS_MALFORMED where a label counts more words than there are
 */
export function neretrieveMentions(text: string, labels: readonly NeretrieveLabel[]): LabelledMention[] {
  const words = text.split(' ');
  const begins: number[] = [];
  let offset = 0;
  for (const word of words) {
    begins.push(offset);
    offset += word.length + 1;
  }
  const mentions = new Map<string, LabelledMention & { readonly types: string[] }>();
  for (const label of labels) {
    const first = Math.min(...label.words);
    const last = Math.max(...label.words);
    if (last >= words.length) {
      const expected = `word numbers below ${words.length}, the words of its paragraph`;
      const received = `${last} for ${JSON.stringify(label.phrase)}`;
      throw new NerRetrieverError('CORPUS_MALFORMED', { file: label.file, line: label.line, expected, received });
    }
    let start = begins[first] as number;
    let end = (begins[last] as number) + (words[last] as string).length;
    const written = text.slice(start, end).toLowerCase();
    const phrase = label.phrase.toLowerCase();
    const at = written.indexOf(phrase);
    // A few letters change their length with their case: then offsets in the two would differ.
    if (at >= 0 && phrase.trim() !== '' && written.length === end - start && phrase.length === label.phrase.length) {
      start += at;
      end = start + phrase.length;
    }
    // Two spaces in a row make an empty word: nothing that could be embedded.
    if (end === start) continue;
    const same = mentions.get(`${start} ${end}`);
    if (same === undefined) mentions.set(`${start} ${end}`, { start, end, types: [label.type] });
    else if (!same.types.includes(label.type)) same.types.push(label.type);
  }
  return [...mentions.values()].sort((one, other) => one.start - other.start || one.end - other.end);
}
