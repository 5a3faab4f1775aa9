import type { StudyCell, StudyReport } from '@ner-retriever/core/study';

const taps = ['query', 'key', 'value', 'attention', 'mlp', 'hidden'] as const;
const poolings = ['last', 'first', 'mean', 'first+last'] as const;
const measures = [
  { key: 'auc', title: 'AUC of same-type against different-type pairs' },
  { key: 'rPrecision', title: 'R-Precision of the type descriptions' },
] as const;

type Measure = (typeof measures)[number]['key'];

/** The study as a page of heat maps, whole in itself: a map a pooling and measure, blocks from bottom to top as the text goes through them. */
export function studyPage(report: StudyReport): string {
  const { source, dataset, documents, totalDocuments, mentions, types, pairs, seed } = report;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(`${source}: what its sub-layers know of types`)}</title>
<style>
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fff; --faint: #6b6b76; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8ee; --paper: #16161a; --faint: #9a9aa6; } }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2.5rem; } p { color: var(--faint); max-width: 60rem; }
.maps { display: flex; flex-wrap: wrap; gap: 2rem; }
table { border-collapse: separate; border-spacing: 2px; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th { font-weight: 400; color: var(--faint); font-size: 12px; padding: 0 .4rem; }
td { width: 3.6rem; height: 1.7rem; text-align: center; font-size: 12px; border-radius: 3px; color: #111; }
td.none { color: var(--faint); } td.best { outline: 2px solid var(--ink); font-weight: 700; }
</style>
<h1>${escaped(source)}</h1>
<p>What every sub-layer of every block knows of entity types, without any projection head: ${count(mentions)} mentions of ${count(types)} types in ${count(documents)} of the ${count(totalDocuments)} documents
of ${escaped(dataset)}, drawn with seed ${seed}; ${count(pairs)} pairs of mentions of one type, and as many of two. The best cell of each map is framed.</p>
${measures.map(({ key, title }) => section(report, key, title)).join('\n')}
</html>
`;
}

function section({ cells }: StudyReport, measure: Measure, title: string): string {
  const values = cells.flatMap((cell) => cell[measure] ?? []);
  const range = { low: Math.min(...values), high: Math.max(...values) };
  const maps = poolings.map((pooling) =>
    heatMap(
      cells.filter((cell) => cell.pooling === pooling),
      pooling,
      measure,
      range,
    ),
  );
  return `<h2>${escaped(title)}</h2>\n<div class="maps">\n${maps.join('\n')}\n</div>`;
}

function heatMap(
  cells: readonly StudyCell[],
  pooling: string,
  measure: Measure,
  range: { readonly low: number; readonly high: number },
): string {
  const blocks = [...new Set(cells.map(({ block }) => block))].sort((one, other) => other - one);
  const most = Math.max(...cells.map((cell) => cell[measure] ?? -1));
  const rows = blocks.map((block) => {
    const row = taps.map((tap) => {
      const value = cells.find((cell) => cell.block === block && cell.tap === tap)?.[measure] ?? null;
      if (value === null) return '<td class="none">–</td>';
      const mark = value === most ? ' class="best"' : '';
      return `<td${mark} style="background:${colour(value, range)}" title="block ${block}, ${tap}: ${value.toFixed(4)}">${value.toFixed(2)}</td>`;
    });
    return `<tr><th scope="row">${block}</th>${row.join('')}</tr>`;
  });
  return `<table><caption>${escaped(pooling)}</caption>
<thead><tr><th scope="col">block</th>${taps.map((tap) => `<th scope="col">${tap}</th>`).join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table>`;
}

/** One hue from pale to deep, so that darker is more to every eye. */
function colour(value: number, { low, high }: { readonly low: number; readonly high: number }): string {
  const share = high > low ? (value - low) / (high - low) : 1;
  return `oklch(${(0.97 - 0.32 * share).toFixed(3)} ${(0.02 + 0.15 * share).toFixed(3)} 55)`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
