/** A part of a text, and where it begins in it. */
export interface Passage {
  readonly start: number;
  readonly text: string;
}

/** Characters of a passage: long enough that the instructions before it weigh little, short enough that a model copies it well. */
export const passageCharacters = 1000;

/**
 * Cuts a text into passages of whole sentences, as many as fit; a sentence that does not fit alone is cut at white space. Together the
 * passages are the text, but for those that hold only white space.
 */
export function passagesOf(text: string, maximum = passageCharacters): Passage[] {
  const passages: Passage[] = [];
  let start = 0;
  let end = 0;
  const finish = () => {
    const passage = text.slice(start, end);
    if (passage.trim() !== '') passages.push({ start, text: passage });
    start = end;
  };
  for (const { index, segment } of sentences.segment(text)) {
    const sentenceEnd = index + segment.length;
    if (sentenceEnd - start > maximum) finish();
    while (sentenceEnd - start > maximum) {
      end = cutBefore(text, start, start + maximum);
      finish();
    }
    end = sentenceEnd;
  }
  finish();
  return passages;
}

const sentences = new Intl.Segmenter('und', { granularity: 'sentence' });

/** The last place up to `limit` where the text may be cut: behind white space, or else between two characters. */
function cutBefore(text: string, start: number, limit: number): number {
  const space = /\s\S*$/u.exec(text.slice(start, limit));
  if (space) return start + space.index + 1;
  const splitsPair = (text.charCodeAt(limit) & 0xfc00) === 0xdc00 && (text.charCodeAt(limit - 1) & 0xfc00) === 0xd800;
  return splitsPair ? limit - 1 : limit;
}
