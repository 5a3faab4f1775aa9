import type { EvaluationReport, SystemName } from '@ner-retriever/core/evaluation';
import type { Command } from '../command.js';
import { nearest } from '../flags/nearest.js';
import { formatAmount, formatDuration } from '../terminal/format.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';
import type { Style } from '../terminal/style.js';
import { styleFor } from '../terminal/style.js';

const datasets = ['multiconer2'];

const systemTitles: Readonly<Record<SystemName, string>> = {
  retriever: 'retriever',
  'tap-without-head': 'tap, no head',
  bm25: 'BM25',
};

export const evaluation: Command = {
  usage: ['multiconer2 FILE…'],
  about: `Measures a model on a labelled data set by R-Precision: for a type with R relevant documents, the share of them among the first
R documents. The macro mean leaves the "other" types out. BM25, and the model's tap without its head, are measured in the same run.
multiconer2: the official .conll files; all files are one corpus, a sentence is a document.`,
  flags: [
    { name: 'model', value: 'DIR', help: 'the model folder (default: the bundled English model)' },
    {
      name: 'mentions',
      value: 'HOW',
      help: "given: the data set's own mentions (default); detect: the model's detector finds them",
    },
    { name: 'json', help: 'the report as JSON' },
  ],
  examples: [
    'eval multiconer2 en-train.conll en-dev.conll',
    'eval multiconer2 en-dev.conll --mentions detect --json > report.json',
  ],

  async run(words, { output, messages, environment }) {
    const [dataset, ...files] = words.operands;
    if (dataset === undefined || !datasets.includes(dataset)) {
      const meant = dataset === undefined ? null : nearest(dataset, datasets);
      words.refuse(
        `a data set (${datasets.join(', ')})`,
        meant ? `"${dataset}" (did you mean "${meant}"?)` : dataset ? `"${dataset}"` : 'none',
      );
    }
    if (files.length === 0) words.refuse(`the files of ${dataset}`, 'none');
    const mentions = words.choice('mentions', ['given', 'detect']);

    const { evaluate, readMulticoner2 } = await import('@ner-retriever/core/evaluation');
    const { Embedder } = await import('@ner-retriever/core');
    const corpus = await readMulticoner2(files);
    const interruption = new Interruption(() => messages.note('Interrupted. Ctrl-C again quits at once.'));
    const { signal } = interruption;
    const progress = new Progress(messages);
    try {
      await using embedder = await Embedder.open(words.text('model'), { signal });
      const report = await evaluate(corpus, embedder, {
        signal,
        ...(mentions && { mentions }),
        onProgress: (state) => progress.update({ ...state, share: state.documents / state.totalDocuments }),
      });
      progress.end();
      if (words.has('json')) await output.line(jsonText(report, 2));
      else await output.write(formatReport(report, styleFor(output.isTerminal, environment)));
      return 0;
    } catch (error) {
      if (!signal.aborted) throw error;
      return interrupted;
    } finally {
      progress.end();
      interruption.end();
    }
  },
};

export function formatReport(report: EvaluationReport, style: Style): string {
  const width = Math.max(...report.types.map(({ query }) => query.length), 'macro mean, "other" types'.length);
  const systems = report.systems.map(({ system }) => system);
  const row = (title: string, relevant: string, values: readonly (number | null | undefined)[]) =>
    `  ${title.padEnd(width)}  ${relevant.padStart(9)}${values.map((value) => ((value ?? null) === null ? '–'.padStart(14) : (value as number).toFixed(3).padStart(14))).join('')}`;
  const rows = (other: boolean) =>
    report.types
      .filter((type) => type.other === other)
      .map((type) =>
        row(
          type.query,
          String(type.relevant),
          systems.map((system) => type.rPrecision[system]),
        ),
      );
  const { mentions, model } = report;
  return [
    style.bold(`${report.dataset}: R-Precision`),
    `  model      ${model.name} ${model.version} (${model.fingerprint.slice(0, 19)}…)`,
    `  documents  ${formatAmount(report.documents, 'sentence')}`,
    `  mentions   ${formatAmount(mentions.embedded, 'mention')}, ${mentions.from === 'given' ? "the data set's own" : 'detected'}; ${mentions.skipped} not usable`,
    `  took       ${formatDuration(report.elapsedMs)}`,
    '',
    style.dim(
      `  ${'type'.padEnd(width)}  ${'relevant'.padStart(9)}${systems.map((system) => systemTitles[system].padStart(14)).join('')}`,
    ),
    ...rows(false),
    '',
    ...rows(true),
    '',
    style.bold(
      row(
        'macro mean',
        '',
        report.systems.map(({ macro }) => macro),
      ),
    ),
    row(
      'macro mean, "other" types',
      '',
      report.systems.map(({ macroOther }) => macroOther),
    ),
    '',
  ].join('\n');
}
