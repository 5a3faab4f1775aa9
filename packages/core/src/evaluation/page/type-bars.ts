import type { EvaluationReport, TypeResult } from '../evaluation-report.js';
import { escapeHtml } from './escape.js';
import { share } from './share.js';
import { systemTitle } from './system-titles.js';

/** Sizes in the units of the drawing, which is scaled to the page's width. */
const width = 1000;
const labelWidth = 270;
const valueWidth = 50;
const firstBar = 11;
const otherBar = 4;
const gap = 12;
const axis = 26;

/** R-Precision of every type as bars: the retriever's wide, the baselines' narrow below it, best types first, "other" types last. */
export function typeBars(report: EvaluationReport): string {
  const [first] = report.systems;
  if (first === undefined) return '';
  const types = report.types
    .filter(({ relevant }) => relevant > 0)
    .sort(
      (one, other) =>
        Number(one.other) - Number(other.other) ||
        (other.rPrecision[first.system] ?? 0) - (one.rPrecision[first.system] ?? 0),
    );
  const values = types.flatMap(({ rPrecision }) => Object.values(rPrecision).map((value) => value ?? 0));
  const maximum = Math.max(0.1, Math.ceil(Math.max(0, ...values) * 10) / 10);
  const x = (value: number) => labelWidth + (value / maximum) * (width - labelWidth - valueWidth);
  const rowHeight = firstBar + (report.systems.length - 1) * otherBar + gap;
  const height = axis + types.length * rowHeight;

  const grid = Array.from({ length: Math.round(maximum * 10) + 1 }, (_, tenths) => tenths / 10)
    .filter((value) => maximum <= 0.5 || Math.round(value * 10) % 2 === 0)
    .map(
      (value) =>
        `<line class="grid" x1="${x(value)}" x2="${x(value)}" y1="${axis - 6}" y2="${height}"/><text class="tick" x="${x(value)}" y="${axis - 12}" text-anchor="middle">${value.toFixed(1)}</text>`,
    );
  const rows = types.map((type, row) => typeRow(report, type, axis + row * rowHeight, x));
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="R-Precision by type">${grid.join('')}${rows.join('')}</svg>`;
}

function typeRow(report: EvaluationReport, type: TypeResult, top: number, x: (value: number) => number): string {
  const bars = report.systems.map(({ system }, place) => {
    const value = type.rPrecision[system] ?? 0;
    const y = top + (place === 0 ? 0 : firstBar + (place - 1) * otherBar + 1);
    const size = place === 0 ? firstBar : otherBar - 1;
    // A thin line at zero shows that there is a value.
    const length = Math.max(1.5, x(value) - x(0));
    const title = escapeHtml(`${type.query} · ${systemTitle(system, report).title}: ${share(value)}`);
    return `<rect class="${system}" x="${x(0)}" y="${y}" width="${length.toFixed(1)}" height="${size}" rx="${size > 6 ? 2 : 1}"><title>${title}</title></rect>`;
  });
  const value = type.rPrecision[report.systems[0]?.system ?? 'retriever'] ?? 0;
  const documents = `${type.relevant} relevant document${type.relevant === 1 ? '' : 's'}`;
  return `<g class="row"><text class="label${type.other ? ' other' : ''}" x="${labelWidth - 12}" y="${top + firstBar - 1}" text-anchor="end">${escapeHtml(shortened(type.query))}<title>${escapeHtml(`${type.query} (${type.type}): ${documents}`)}</title></text>${bars.join('')}<text class="value" x="${x(value) + 7}" y="${top + firstBar - 1}">${share(value)}</text></g>`;
}

/** What fits beside the bars; whole characters. */
function shortened(text: string): string {
  const characters = [...text];
  return characters.length > 36 ? `${characters.slice(0, 35).join('')}…` : text;
}
