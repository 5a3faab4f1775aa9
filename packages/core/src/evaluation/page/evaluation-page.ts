import type { EvaluationReport } from '../evaluation-report.js';
import { cutOffTable } from './cut-off-table.js';
import { escapeHtml, scriptJson } from './escape.js';
import { meansTable, typesTable } from './measure-tables.js';
import { pageScript } from './page-script.js';
import { pageStyle } from './page-style.js';
import { curveChoices, curveFrame, recallCurves } from './recall-curves.js';
import { share } from './share.js';
import { systemTitle } from './system-titles.js';
import { typeBars } from './type-bars.js';

/** What a page says of the run beside its report. */
export interface RunFacts {
  /** As it was typed. */
  readonly command: string;
  readonly date: Date;
  /** Name -> version of what ran: "Node.js", "ONNX Runtime" … */
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * A report as one HTML page: bars by type, precision-recall curves, tables, and the facts of the run. It needs no network (it forbids
 * itself any) and no other file; text of the data set is only ever shown as text.
 */
export function evaluationPage(report: EvaluationReport, run: RunFacts): string {
  const choices = curveChoices(report);
  const measured = report.types.filter(({ relevant }) => relevant > 0);
  const counts = `${count(report.documents, 'document')}, ${count(measured.length, 'type')} with relevant ones, ${count(report.mentions.embedded, 'mention')}`;
  const hasOthers = report.types.some(({ other }) => other);
  const title = `${report.dataset}: evaluation of ${report.model.name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<header>
<p>NER Retriever · evaluation</p>
<h1>${escapeHtml(report.dataset)}</h1>
<p>${escapeHtml(`${report.model.name} ${report.model.version} on ${counts}`)}</p>
</header>
<div class="cards">${cards(report)}</div>
<section>
<h2>R-Precision by type</h2>
<p>For a type with R relevant documents: the share of them among the first R documents of the ranking. The wide bar is the retriever's, and sorts the types${hasOthers ? '; "other" types, whose names describe nothing, stand last' : ''}.</p>
${legend(report)}
<div class="scroll">${typeBars(report)}</div>
</section>
<section>
<h2>Precision and recall</h2>
<p>The highest precision at any place of the ranking with at least so much recall, at eleven points.</p>
<div class="legend"><select id="choice" aria-label="Types" hidden></select></div>
${legend(report)}
<div class="scroll">${recallCurves(report, choices[0])}</div>
</section>
<section>
<h2>All measures</h2>
${meansTable(report, `Macro means over ${count(measured.filter(({ other }) => !other).length, 'type')}`, ({ macro, measures }) => [macro, measures])}
${hasOthers ? meansTable(report, `Macro means over ${count(measured.filter(({ other }) => other).length, '"other" type')}`, ({ macroOther, measuresOther }) => [macroOther, measuresOther]) : ''}
</section>
${cutOffSection(report)}<section>
<h2>Every type</h2>
${typesTable(report)}
</section>
<section>
<h2>This run</h2>
${facts(report, run, counts)}
</section>
</main>
<script type="application/json" id="data">${scriptJson({ frame: curveFrame, choices })}</script>
<script>${pageScript}</script>
</body>
</html>
`;
}

function cutOffSection({ systems: [retriever] }: EvaluationReport): string {
  const cutOff = retriever?.cutOff ?? null;
  if (cutOff === null) return '';
  const absent =
    cutOff.absentDocuments === null
      ? ''
      : ` Without the type's documents it leaves ${count(cutOff.absentDocuments, 'document')} in the median, all wrong.`;
  return `<section>
<h2>Estimated cut-off</h2>
<p>The retriever's documents above the score at which a type is estimated to end, against the labels; beside it the best cut of each ranking, and one fixed cut for all. The count ratio is the number of documents above the estimate as a multiple of the relevant ones.${absent}</p>
${cutOffTable(cutOff)}
</section>
`;
}

function cards(report: EvaluationReport): string {
  return report.systems
    .map(({ system, macro, measures }) => {
      const { title, about } = systemTitle(system, report);
      return `<div class="${system}" title="${escapeHtml(about)}"><span>${escapeHtml(title)}</span><b>${share(macro)}</b><small>R-Precision · AP ${share(measures?.averagePrecision)}</small></div>`;
    })
    .join('');
}

function legend(report: EvaluationReport): string {
  const buttons = report.systems.map(({ system }) => {
    const { title, about } = systemTitle(system, report);
    return `<button type="button" data-toggle="${system}" aria-pressed="true" title="${escapeHtml(about)}"><i class="swatch ${system}"></i>${escapeHtml(title)}</button>`;
  });
  return `<div class="legend">${buttons.join('')}</div>`;
}

function facts(
  { dataset, mentions, model, sentenceModel, elapsedMs }: EvaluationReport,
  run: RunFacts,
  counts: string,
): string {
  const from = mentions.from === 'given' ? "the data set's own mentions" : "mentions found by the model's detector";
  const rows: [string, string][] = [
    ['Data set', `${dataset}: ${counts}`],
    ['Mentions', `${from}; ${mentions.skipped.toLocaleString('en')} could not be used`],
    ['Model', `${model.name} ${model.version}, ${model.fingerprint}`],
    ...(sentenceModel
      ? [
          [
            'Sentence model',
            `${sentenceModel.name}, ${sentenceModel.pooling} pooling, ${sentenceModel.fingerprint}`,
          ] as [string, string],
        ]
      : []),
    [
      'Date',
      run.date
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, ' UTC'),
    ],
    ['Took', `${(elapsedMs / 1000).toLocaleString('en', { maximumFractionDigits: 1 })} s`],
    [
      'Versions',
      Object.entries(run.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
  ];
  const shown = rows.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`);
  return `<dl>${shown.join('')}<dt>Command</dt><dd><code>${escapeHtml(run.command)}</code></dd></dl>`;
}

function count(number: number, what: string): string {
  return `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`;
}
