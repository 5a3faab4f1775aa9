import type { EvaluationReport, SystemName } from '@ner-retriever/core/evaluation';
import { formatAmount, formatCount, formatDuration } from './terminal/format.js';
import { sanitise } from './terminal/sanitise.js';
import type { Style } from './terminal/style.js';

const systemTitles: Readonly<Record<SystemName, string>> = {
  retriever: 'retriever',
  'tap-without-head': 'tap, no head',
  bm25: 'BM25',
};

const meanTitle = 'macro mean';
const otherMeanTitle = 'macro mean, "other" types';

/** R-Precision as a table for people: a row a type, a column a system. */
export function formatEvaluationReport(report: EvaluationReport, style: Style): string {
  const { mentions, model } = report;
  const systems = report.systems.map(({ system }) => system);
  const types = report.types.map((type) => ({ ...type, title: sanitise(type.query) }));
  const others = types.filter(({ other }) => other);
  const width = types.reduce((widest, { title }) => Math.max(widest, title.length), otherMeanTitle.length);

  const row = (title: string, relevant: string, cells: readonly string[]) =>
    `  ${title.padEnd(width)}  ${relevant.padStart(9)}${cells.map((cell) => cell.padStart(14)).join('')}`;
  const typeRow = ({ title, relevant, rPrecision }: (typeof types)[number]) =>
    row(
      title,
      String(relevant),
      systems.map((system) => share(rPrecision[system])),
    );
  return [
    style.bold(`${report.dataset}: R-Precision`),
    `  model      ${model.name} ${model.version} (${model.fingerprint.slice(0, 19)}…)`,
    `  documents  ${formatCount(report.documents)}`,
    `  mentions   ${formatAmount(mentions.embedded, 'mention')}, ${mentions.from === 'given' ? "the data set's own" : `detected by ${sanitise(mentions.detector ?? '')}`}; ${mentions.skipped} not usable`,
    `  took       ${formatDuration(report.elapsedMs)}`,
    '',
    style.dim(
      row(
        'type',
        'relevant',
        systems.map((system) => systemTitles[system]),
      ),
    ),
    ...types.filter(({ other }) => !other).map(typeRow),
    '',
    ...(others.length > 0 ? [...others.map(typeRow), ''] : []),
    style.bold(
      row(
        meanTitle,
        '',
        report.systems.map(({ macro }) => share(macro)),
      ),
    ),
    ...(others.length > 0
      ? [
          row(
            otherMeanTitle,
            '',
            report.systems.map(({ macroOther }) => share(macroOther)),
          ),
        ]
      : []),
    '',
  ].join('\n');
}

function share(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : value.toFixed(3);
}
