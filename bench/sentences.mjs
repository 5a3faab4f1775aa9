// One-sentence documents from JSON Lines documents: what a corpus of short texts looks like.
import { textsOf } from './texts-of.mjs';

const splitter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** `count` documents of one sentence each. When the file holds fewer, they are told again with their number in front, so that no two are alike. */
export function* oneSentenceDocuments(file, count) {
  const sentences = textsOf(file)
    .flatMap((text) => [...splitter.segment(text)].map(({ segment }) => segment.trim()))
    .filter((sentence) => sentence.length >= 20 && sentence.length <= 400);
  for (let number = 0; number < count; number++) {
    const sentence = sentences[number % sentences.length];
    yield { id: `sentence-${number}`, text: number < sentences.length ? sentence : `${number}: ${sentence}` };
  }
}
