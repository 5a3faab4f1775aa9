import type { EvaluationReport, SystemResult } from '../evaluation-report.js';
import type { RankingMeasures } from '../ranking-measures.js';
import { escapeHtml } from './escape.js';
import { share } from './share.js';
import { systemTitle } from './system-titles.js';

const columns: readonly (readonly [title: string, value: (measures: RankingMeasures) => number | undefined])[] = [
  ['Average precision', ({ averagePrecision }) => averagePrecision],
  ['P@10', ({ precisionAt }) => precisionAt[10]],
  ['P@100', ({ precisionAt }) => precisionAt[100]],
  ['P@1000', ({ precisionAt }) => precisionAt[1000]],
  ['Recall@10', ({ recallAt }) => recallAt[10]],
  ['Recall@100', ({ recallAt }) => recallAt[100]],
  ['Recall@1000', ({ recallAt }) => recallAt[1000]],
];

/** Macro means of every measure, a row a system. */
export function meansTable(
  report: EvaluationReport,
  caption: string,
  of: (system: SystemResult) => readonly [rPrecision: number | null, measures: RankingMeasures | null],
): string {
  const rows = report.systems.map((system) => {
    const [rPrecision, measures] = of(system);
    return [rPrecision, ...columns.map(([, value]) => measures && value(measures))];
  });
  const body = report.systems.map(({ system }, row) => {
    const { title, about } = systemTitle(system, report);
    const cells = (rows[row] ?? []).map((value, column) => {
      const best = Math.max(...rows.map((values) => values[column] ?? 0));
      return numberCell(value, best);
    });
    return `<tr><th scope="row" title="${escapeHtml(about)}"><i class="swatch ${system}"></i>${escapeHtml(title)}</th>${cells.join('')}</tr>`;
  });
  const heads = ['R-Precision', ...columns.map(([title]) => title)].map((title) => `<th scope="col">${title}</th>`);
  return `<div class="scroll"><table><caption>${escapeHtml(caption)}</caption><thead><tr><th></th>${heads.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

/** R-Precision and average precision of every type, in the order of the data set. */
export function typesTable(report: EvaluationReport): string {
  const { systems } = report;
  const heads = systems
    .map(({ system }) => `<th scope="col">${escapeHtml(systemTitle(system, report).title)}</th>`)
    .join('');
  const body = report.types.map(({ type, query, other, relevant, rPrecision, measures }) => {
    const cells = [
      systems.map(({ system }) => rPrecision[system]),
      systems.map(({ system }) => measures[system]?.averagePrecision),
    ].map((values) => values.map((value) => numberCell(value, Math.max(...values.map((each) => each ?? 0)))).join(''));
    return `<tr${other ? ' class="other"' : ''}><th scope="row" title="${escapeHtml(type)}">${escapeHtml(query)}</th><td>${relevant}</td>${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table class="types"><thead><tr><th></th><th></th><th colspan="${systems.length}" scope="colgroup">R-Precision</th><th colspan="${systems.length}" scope="colgroup">Average precision</th></tr><tr><th scope="col">Type</th><th scope="col">Relevant</th>${heads}${heads}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function numberCell(value: number | null | undefined, best: number): string {
  return `<td${value && value === best ? ' class="best"' : ''}>${share(value)}</td>`;
}
