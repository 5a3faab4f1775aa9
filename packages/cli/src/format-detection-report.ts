import type { DetectionReport } from '@ner-retriever/core/evaluation';
import { formatCount, formatDuration } from './terminal/format.js';
import { sanitise } from './terminal/sanitise.js';
import type { Style } from './terminal/style.js';

/** How a detector did, for people. */
export function formatDetectionReport(report: DetectionReport, style: Style): string {
  const { mentions, model, fuzzyRecall, exact, meanWords } = report;
  return [
    style.bold(`${report.dataset}: mention detection`),
    `  detector         ${sanitise(report.detector)}${model === null ? '' : ` (${model.fingerprint.slice(0, 19)}…)`}${report.threshold === null ? '' : `, threshold ${report.threshold}`}`,
    `  documents        ${formatCount(report.documents)}`,
    `  mentions         ${formatCount(mentions.gold)} of the data set, ${formatCount(mentions.detected)} detected`,
    `  took             ${formatDuration(report.elapsedMs)}`,
    '',
    style.bold(`  fuzzy recall     ${decimal(fuzzyRecall, 3)}`),
    `  exact precision  ${decimal(exact.precision, 3)}`,
    `  exact recall     ${decimal(exact.recall, 3)}`,
    `  exact F1         ${decimal(exact.f1, 3)}`,
    `  words a mention  ${decimal(meanWords.detected, 2)} detected, ${decimal(meanWords.gold, 2)} in the data set: ${decimal(meanWords.ratio, 2)} times`,
    '',
  ].join('\n');
}

function decimal(value: number | null, digits: number): string {
  return value === null ? '–' : value.toFixed(digits);
}
