import type { CutOffMeans, SystemCutOff } from '../macro-cut-off.js';
import { escapeHtml } from './escape.js';
import { share } from './share.js';

const columns: readonly (readonly [title: string, value: (means: CutOffMeans) => number])[] = [
  ['Precision', ({ precision }) => precision],
  ['Recall', ({ recall }) => recall],
  ['F1', ({ f1 }) => f1],
  ["Best cut's F1", ({ bestF1 }) => bestF1],
  ['Fixed cut', ({ fixedF1 }) => fixedF1],
  ['Count ratio', ({ countRatio }) => countRatio],
];

const situations = [
  ['In this data set', 'whole'],
  ['100 documents, 10 of the type', 'small'],
  ['Four fifths of the type', 'mostly'],
] as const;

/** How good a system's estimated cut-offs are: a row a corpus made of the data set. */
export function cutOffTable(cutOff: SystemCutOff): string {
  const body = situations.map(([title, situation]) => {
    const means = cutOff[situation];
    const cells = columns.map(([, value]) => `<td>${share(means && value(means))}</td>`).join('');
    return `<tr><th scope="row">${title}</th><td>${means?.types ?? 0}</td>${cells}</tr>`;
  });
  const heads = ['Types', ...columns.map(([title]) => title)].map(
    (title) => `<th scope="col">${escapeHtml(title)}</th>`,
  );
  return `<div class="scroll"><table><caption>Macro means, and the median of the count ratio</caption><thead><tr><th></th>${heads.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}
