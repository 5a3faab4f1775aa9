import type { StudyCell, StudyReport } from '@ner-retriever/core/study';
import { formatAmount } from '../terminal/format.js';
import { sanitise } from '../terminal/sanitise.js';

const taps = ['query', 'key', 'value', 'attention', 'mlp', 'hidden'] as const;
const poolings = ['last', 'first', 'mean', 'first+last'] as const;

/** The study as tables for a terminal: the pooling of the paper in full, the best of the others. */
export function formatStudyReport(report: StudyReport): string {
  const lines = [
    `${sanitise(report.source)} on ${sanitise(report.dataset)}: ${formatAmount(report.mentions, 'mention')} of ${formatAmount(report.types, 'type')} in ${formatAmount(report.documents, 'document')}, ${formatAmount(report.pairs, 'pair')} of each kind`,
    '',
    ...table(report, 'AUC, last token', 'auc'),
    '',
    ...table(report, 'R-Precision, last token', 'rPrecision'),
    '',
    ...poolings.map((pooling) => {
      const cells = report.cells.filter((cell) => cell.pooling === pooling);
      return `${pooling.padEnd(10)}  best AUC ${named(best(cells, 'auc'), 'auc')}, best R-Precision ${named(best(cells, 'rPrecision'), 'rPrecision')}`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}

type Measure = 'auc' | 'rPrecision';

function table({ cells }: StudyReport, title: string, measure: Measure): string[] {
  const last = cells.filter(({ pooling }) => pooling === 'last');
  const blocks = [...new Set(last.map(({ block }) => block))];
  const top = best(last, measure);
  return [
    title,
    `block  ${taps.map((tap) => tap.padStart(9)).join(' ')}`,
    ...blocks.map((block) => {
      const row = taps.map((tap) => {
        const cell = last.find((each) => each.block === block && each.tap === tap);
        return `${shown(cell?.[measure])}${cell !== undefined && cell === top ? '*' : ' '}`.padStart(9);
      });
      return `${String(block).padStart(5)}  ${row.join(' ')}`;
    }),
  ];
}

function best(cells: readonly StudyCell[], measure: Measure): StudyCell | undefined {
  return cells.reduce<StudyCell | undefined>(
    (top, cell) => ((cell[measure] ?? -1) > (top?.[measure] ?? -1) ? cell : top),
    undefined,
  );
}

function named(cell: StudyCell | undefined, measure: Measure): string {
  return cell === undefined ? '–' : `${shown(cell[measure])} (${cell.tap} of block ${cell.block})`;
}

function shown(value: number | null | undefined): string {
  return value == null ? '–' : value.toFixed(3);
}
