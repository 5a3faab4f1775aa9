import type {
  CutOffMeans,
  EvaluationReport,
  RankingMeasures,
  SystemName,
  SystemResult,
} from '@ner-retriever/core/evaluation';
import { formatAmount, formatCount, formatDuration } from './terminal/format.js';
import { sanitise } from './terminal/sanitise.js';
import type { Style } from './terminal/style.js';

const systemTitles: Readonly<Record<SystemName, string>> = {
  retriever: 'retriever',
  'tap-without-head': 'tap, no head',
  bm25: 'BM25',
  hybrid: 'hybrid',
  'own-sentence': 'sentence head',
  sentence: 'sentences',
};

const meanTitle = 'macro mean';
const otherMeanTitle = 'macro mean, "other" types';

/** Measures of the second table, best known first. */
const columns: readonly (readonly [column: string, value: (measures: RankingMeasures) => number | undefined])[] = [
  ['avg. precision', ({ averagePrecision }) => averagePrecision],
  ['P@10', ({ precisionAt }) => precisionAt[10]],
  ['P@100', ({ precisionAt }) => precisionAt[100]],
  ['recall@100', ({ recallAt }) => recallAt[100]],
  ['recall@1000', ({ recallAt }) => recallAt[1000]],
];

const cutOffColumns: readonly (readonly [column: string, value: (means: CutOffMeans) => number])[] = [
  ['precision', ({ precision }) => precision],
  ['recall', ({ recall }) => recall],
  ['F1', ({ f1 }) => f1],
  ["best cut's F1", ({ bestF1 }) => bestF1],
  ['fixed cut', ({ fixedF1 }) => fixedF1],
  ['count ratio', ({ countRatio }) => countRatio],
];

const cutOffSituations = [
  ['in this data set', 'whole'],
  ['100 documents, 10 of the type', 'small'],
  ['four fifths of the type', 'mostly'],
] as const;

/** Three tables for people: R-Precision, a row a type and a column a system; macro means of all measures, a row a system; how
 * good the retriever's estimated cut-off is, a row a corpus made of the data set. */
export function formatEvaluationReport(report: EvaluationReport, style: Style): string {
  const { mentions, model, sentenceModel } = report;
  const systems = report.systems.map(({ system }) => system);
  const types = report.types.map((type) => ({ ...type, title: sanitise(type.query) }));
  const others = types.filter(({ other }) => other);
  const width = types.reduce((widest, { title }) => Math.max(widest, title.length), otherMeanTitle.length);

  const row = (title: string, relevant: string, cells: readonly string[]) =>
    `  ${title.padEnd(width)}  ${relevant.padStart(9)}${cells.map((cell) => cell.padStart(15)).join('')}`;
  const typeRow = ({ title, relevant, rPrecision }: (typeof types)[number]) =>
    row(
      title,
      String(relevant),
      systems.map((system) => share(rPrecision[system])),
    );
  const means = (title: string, of: (system: SystemResult) => [number | null, RankingMeasures | null]) => [
    style.dim(row(title, '', ['R-Precision', ...columns.map(([column]) => column)])),
    ...report.systems.map((system) => {
      const [rPrecision, measures] = of(system);
      const cells = columns.map(([, value]) => share(measures && value(measures)));
      return row(systemTitles[system.system], '', [share(rPrecision), ...cells]);
    }),
  ];
  const cutOff = report.systems[0]?.cutOff ?? null;
  const cutOffTable = () => [
    '',
    style.dim(
      row(
        'estimated cut-off, retriever',
        'types',
        cutOffColumns.map(([column]) => column),
      ),
    ),
    ...cutOffSituations.map(([title, situation]) => {
      const means = cutOff?.[situation] ?? null;
      return row(
        title,
        String(means?.types ?? 0),
        cutOffColumns.map(([, value]) => share(means && value(means))),
      );
    }),
    `  nothing of the type: ${formatAmount(cutOff?.absentDocuments ?? 0, 'document')} above it in the median`,
  ];
  return [
    style.bold(`${report.dataset}: R-Precision`),
    `  model      ${model.name} ${model.version} (${model.fingerprint.slice(0, 19)}…)`,
    `  documents  ${formatCount(report.documents)}`,
    `  mentions   ${formatAmount(mentions.embedded, 'mention')}, ${mentions.from === 'given' ? "the data set's own" : `detected by ${sanitise(mentions.detector ?? '')}`}; ${mentions.skipped} not usable`,
    ...(sentenceModel
      ? [
          `  sentences  ${sanitise(sentenceModel.name)} (${sentenceModel.fingerprint.slice(0, 19)}…), ${sentenceModel.pooling}`,
        ]
      : []),
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
    ...means('means over the types', ({ macro, measures }) => [macro, measures]),
    ...(others.length > 0
      ? ['', ...means('means over "other" types', ({ macroOther, measuresOther }) => [macroOther, measuresOther])]
      : []),
    ...(cutOff === null ? [] : cutOffTable()),
    '',
  ].join('\n');
}

function share(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : value.toFixed(3);
}
