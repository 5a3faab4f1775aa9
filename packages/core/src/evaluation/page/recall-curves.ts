import type { EvaluationReport, SystemName } from '../evaluation-report.js';

/** Curves that a reader can choose between: what they are of, and eleven precisions for each system. */
export interface CurveChoice {
  readonly title: string;
  readonly curves: Readonly<Partial<Record<SystemName, readonly number[]>>>;
}

/** Sizes in the units of the drawing. The page's script draws the lines anew with the same numbers. */
export const curveFrame = { width: 760, height: 430, left: 56, right: 16, top: 14, bottom: 48 } as const;

/** The macro means first, then the "other" types' means, then every type that has relevant documents. */
export function curveChoices(report: EvaluationReport): CurveChoice[] {
  const means = (title: string, of: 'measures' | 'measuresOther'): CurveChoice => ({
    title,
    curves: Object.fromEntries(
      report.systems.flatMap((system) => {
        const measures = system[of];
        return measures === null ? [] : [[system.system, measures.precisionAtRecall]];
      }),
    ),
  });
  const types = report.types
    .filter(({ relevant }) => relevant > 0)
    .map(
      ({ query, measures, relevant }): CurveChoice => ({
        title: `${query} (${relevant} relevant)`,
        curves: Object.fromEntries(
          Object.entries(measures).flatMap(([system, values]) => (values ? [[system, values.precisionAtRecall]] : [])),
        ),
      }),
    );
  return [
    means('All types (macro mean)', 'measures'),
    means('"Other" types (macro mean)', 'measuresOther'),
    ...types,
  ].filter(({ curves }) => Object.keys(curves).length > 0);
}

/** Precision at eleven points of recall, a line a system. */
export function recallCurves(report: EvaluationReport, choice: CurveChoice | undefined): string {
  const { width, height, left, right, top, bottom } = curveFrame;
  const x = (recall: number) => left + recall * (width - left - right);
  const y = (precision: number) => height - bottom - precision * (height - top - bottom);
  const grid = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
    (value) =>
      `<line class="grid" x1="${x(0)}" x2="${x(1)}" y1="${y(value)}" y2="${y(value)}"/><text class="tick" x="${x(0) - 10}" y="${y(value) + 4}" text-anchor="end">${value.toFixed(1)}</text><line class="grid" x1="${x(value)}" x2="${x(value)}" y1="${y(0)}" y2="${y(1)}"/><text class="tick" x="${x(value)}" y="${y(0) + 20}" text-anchor="middle">${value.toFixed(1)}</text>`,
  );
  // The retriever last, on top of the others.
  const lines = report.systems.toReversed().map(({ system }) => {
    const curve = choice?.curves[system] ?? [];
    const points = curve.map((precision, tenths) => `${x(tenths / 10).toFixed(1)},${y(precision).toFixed(1)}`);
    return `<polyline class="${system}" data-system="${system}" points="${points.join(' ')}"/>`;
  });
  const titles = `<text class="axis" x="${x(0.5)}" y="${height - 8}" text-anchor="middle">recall</text><text class="axis" transform="translate(14 ${y(0.5)}) rotate(-90)" text-anchor="middle">precision</text>`;
  return `<svg id="curves" viewBox="0 0 ${width} ${height}" role="img" aria-label="Precision at eleven points of recall">${grid.join('')}${titles}${lines.join('')}</svg>`;
}
