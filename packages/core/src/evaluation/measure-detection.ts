import type { Span } from '../mentions/mention.js';
import type { DetectionFigures } from './detection-report.js';
import { fuzzyMatch } from './fuzzy-match.js';

/** The figures over all documents together: every mention counts the same. */
export function measureDetection(
  documents: readonly { readonly text: string; readonly gold: readonly Span[]; readonly detected: readonly Span[] }[],
): DetectionFigures {
  const counts = { gold: 0, detected: 0, fuzzy: 0, exact: 0, goldWords: 0, detectedWords: 0 };
  for (const { text, gold, detected } of documents) {
    const textOf = ({ start, end }: Span) => text.slice(start, end);
    const detectedTexts = detected.map(textOf);
    for (const span of gold) {
      const goldText = textOf(span);
      if (detectedTexts.some((each) => fuzzyMatch(goldText, each))) counts.fuzzy += 1;
      if (detected.some(({ start, end }) => start === span.start && end === span.end)) counts.exact += 1;
      counts.goldWords += wordsOf(goldText);
    }
    counts.detectedWords += detectedTexts.reduce((sum, each) => sum + wordsOf(each), 0);
    counts.gold += gold.length;
    counts.detected += detected.length;
  }
  const meanWords = {
    gold: ratio(counts.goldWords, counts.gold),
    detected: ratio(counts.detectedWords, counts.detected),
  };
  return {
    mentions: { gold: counts.gold, detected: counts.detected },
    fuzzyRecall: ratio(counts.fuzzy, counts.gold),
    exact: {
      precision: ratio(counts.exact, counts.detected),
      recall: ratio(counts.exact, counts.gold),
      f1: ratio(2 * counts.exact, counts.gold + counts.detected),
    },
    meanWords: { ...meanWords, ratio: ratio(meanWords.detected, meanWords.gold) },
  };
}

function ratio(part: number | null, whole: number | null): number | null {
  return part === null || !whole ? null : part / whole;
}

function wordsOf(text: string): number {
  return text.trim().split(/\s+/).length;
}
