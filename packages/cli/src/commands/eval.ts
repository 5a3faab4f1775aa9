import type { LabelledCorpus } from '@ner-retriever/core/evaluation';
import type { Command } from '../command.js';
import type { Arguments } from '../flags/arguments.js';
import { nearest } from '../flags/nearest.js';
import { formatEvaluationReport } from '../format-evaluation-report.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';
import { styleFor } from '../terminal/style.js';

type Library = typeof import('@ner-retriever/core/evaluation');
type CorpusReader = (files: readonly string[]) => Promise<LabelledCorpus>;

const datasets: Readonly<Record<string, (library: Library) => CorpusReader>> = {
  multiconer2: ({ readMulticoner2 }) => readMulticoner2,
  silver: ({ readSilver }) => readSilver,
};

export const evaluation: Command = {
  usage: ['multiconer2|silver FILE…'],
  about: `Measures a model on a labelled data set by R-Precision: for a type with R relevant documents, the share of them among the first
R documents. The macro mean leaves the "other" types out. BM25, and the model's tap without its head, are measured in the same run.
multiconer2: the official .conll files; all files are one corpus, a sentence is a document.
silver: a data set of your own, JSON Lines, its types searched for by their own names:
{"id": "…", "text": "…", "mentions": [{"start": 0, "end": 12, "types": ["volcano", "stratovolcano"]}]} (UTF-16 offsets).`,
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
    'eval silver held-out-types.jsonl',
  ],

  async run(words, { output, messages, environment }) {
    const [dataset, ...files] = words.operands;
    const reader = datasetNamed(words, dataset);
    if (files.length === 0) words.refuse(`the files of ${dataset}`, 'none');
    const mentions = words.choice('mentions', ['given', 'detect']);

    const library = await import('@ner-retriever/core/evaluation');
    const { Embedder } = await import('@ner-retriever/core');
    const corpus = await reader(library)(files);
    const interruption = new Interruption(() => messages.note('Interrupted. Ctrl-C again quits at once.'));
    const { signal } = interruption;
    const progress = new Progress(messages);
    try {
      await using embedder = await Embedder.open(words.text('model'), { signal });
      const report = await library.evaluate(corpus, embedder, {
        signal,
        ...(mentions && { mentions }),
        onProgress: (state) => progress.update({ ...state, share: state.documents / state.totalDocuments }),
      });
      progress.end();
      if (words.has('json')) await output.line(jsonText(report, 2));
      else await output.write(formatEvaluationReport(report, styleFor(output.isTerminal, environment)));
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

function datasetNamed(words: Arguments, name: string | undefined): (library: Library) => CorpusReader {
  const names = Object.keys(datasets);
  const reader = names.includes(name ?? '') ? datasets[name as string] : undefined;
  if (reader !== undefined) return reader;
  const meant = name === undefined ? null : nearest(name, names);
  return words.refuse(
    `a data set (${names.join(', ')})`,
    meant ? `"${name}" (did you mean "${meant}"?)` : name ? `"${name}"` : 'none',
  );
}
