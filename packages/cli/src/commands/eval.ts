import type { EvaluationProgress, LabelledCorpus, MeasuredDetector } from '@ner-retriever/core/evaluation';
import type { Command } from '../command.js';
import { type Detecting, detectingFlags, namesDetector, openDetector } from '../detecting.js';
import type { Arguments } from '../flags/arguments.js';
import { nearest } from '../flags/nearest.js';
import { formatDetectionReport } from '../format-detection-report.js';
import { formatEvaluationReport } from '../format-evaluation-report.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';
import { type Style, styleFor } from '../terminal/style.js';

type Library = typeof import('@ner-retriever/core/evaluation');
type CorpusReader = (library: Library) => (files: readonly string[]) => Promise<LabelledCorpus>;

/** Data sets whose types are searched for. */
const retrievalReaders = new Map<string, CorpusReader>([
  ['multiconer2', ({ readMulticoner2 }) => readMulticoner2],
  ['silver', ({ readSilver }) => readSilver],
]);

/** Data sets in which every mention is marked. */
const detectionReaders = new Map<string, CorpusReader>([
  ['multiconer2', ({ readMulticoner2 }) => readMulticoner2],
  ['wnut17', ({ readWnut17 }) => readWnut17],
]);

export const evaluation: Command = {
  usage: ['multiconer2|silver FILE…', 'detection multiconer2|wnut17 FILE…'],
  about: `Measures a model on a labelled data set by R-Precision: for a type with R relevant documents, the share of them among the first
R documents. The macro mean leaves the "other" types out. BM25, and the model's tap without its head, are measured in the same run.
multiconer2: the official .conll files; all files are one corpus, a sentence is a document.
silver: a data set of your own, JSON Lines, its types searched for by their own names:
{"id": "…", "text": "…", "mentions": [{"start": 0, "end": 12, "types": ["volcano", "stratovolcano"]}]} (UTF-16 offsets).

detection measures a mention detector instead (the model's, or --detector), whatever the types: fuzzy recall (in lower case, without accents and a leading
the, a or an, the words of one mention are all among the other's, or 0.8 of all their words are shared), exact spans, and their length.
wnut17: the official files; all files are one corpus.`,
  flags: [
    {
      name: 'model',
      value: 'DIR|ID',
      help: 'the model folder, or the Hugging Face id of a prepared model (default: the bundled English model)',
    },
    {
      name: 'mentions',
      value: 'HOW',
      help: "given: the data set's own mentions (default); detect: the detector finds them",
    },
    ...detectingFlags,
    {
      name: 'threshold',
      value: 'T',
      help: "detection: least confidence of a mention (with the model's detector: of a word in it), 0 to 1 (default: the detector's own)",
    },
    { name: 'json', help: 'the report as JSON' },
  ],
  examples: [
    'eval multiconer2 en-train.conll en-dev.conll',
    'eval multiconer2 en-dev.conll --mentions detect --json > report.json',
    'eval silver held-out-types.jsonl',
    'eval detection wnut17 emerging.test.annotated --threshold 0.3',
    'eval detection wnut17 emerging.test.annotated --detector gazetteer:names.txt',
  ],

  async run(words, { output, messages, environment }) {
    const ofDetector = words.operands[0] === 'detection';
    const [dataset = '', ...files] = words.operands.slice(ofDetector ? 1 : 0);
    const reader = readerOf(words, dataset, ofDetector);
    if (files.length === 0) words.refuse(`the files of ${dataset}`, 'none');
    if (ofDetector && words.has('mentions')) words.refuse('detection or --mentions', 'both');
    if (!ofDetector && words.has('threshold')) words.refuse('--threshold with detection', `it with ${dataset}`);
    const mentions = words.choice('mentions', ['given', 'detect']);
    if (namesDetector(words)) {
      if (!ofDetector && mentions !== 'detect') words.refuse('--mentions detect with --detector', 'none');
      if (ofDetector && words.has('model')) words.refuse('--model or --detector', 'both');
    }
    const threshold = words.number('threshold');

    await using detecting = await openDetector(words, messages);
    const library = await import('@ner-retriever/core/evaluation');
    const corpus = await reader(library)(files);
    const interruption = new Interruption(() => messages.note('Interrupted. Ctrl-C again quits at once.'));
    const { signal } = interruption;
    const progress = new Progress(messages);
    const watched = {
      signal,
      onProgress: (state: EvaluationProgress) =>
        progress.update({ ...state, share: state.documents / state.totalDocuments }),
    };
    const style = styleFor(output.isTerminal, environment);
    const print = async <Report>(report: Report, format: (report: Report, style: Style) => string) => {
      progress.end();
      if (words.has('json')) await output.line(jsonText(report, 2));
      else await output.write(format(report, style));
    };
    try {
      if (ofDetector) {
        const options = { ...watched, ...(threshold !== undefined && { threshold }) };
        await using measured = await measuredDetector(detecting, words, signal);
        await print(await library.evaluateDetection(corpus, measured.detector, options), formatDetectionReport);
      } else {
        const { Embedder } = await import('@ner-retriever/core');
        const { detector } = detecting;
        await using embedder = await Embedder.open(words.text('model'), { signal, ...(detector && { detector }) });
        const options = { ...watched, ...(mentions && { mentions }) };
        await print(await library.evaluate(corpus, embedder, options), formatEvaluationReport);
      }
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

/** The given detector, or the model with its own, which is only opened where it is needed. */
async function measuredDetector(
  { detector }: Detecting,
  words: Arguments,
  signal: AbortSignal,
): Promise<{ readonly detector: MeasuredDetector } & AsyncDisposable> {
  if (detector) return { detector, [Symbol.asyncDispose]: async () => {} };
  const { Embedder } = await import('@ner-retriever/core');
  const embedder = await Embedder.open(words.text('model'), { signal });
  return { detector: embedder, [Symbol.asyncDispose]: () => embedder.close() };
}

function readerOf(words: Arguments, dataset: string, ofDetector: boolean): CorpusReader {
  const readers = ofDetector ? detectionReaders : retrievalReaders;
  const reader = readers.get(dataset);
  if (reader !== undefined) return reader;
  const names = [...readers.keys()];
  const meant = nearest(dataset, ofDetector ? names : [...names, 'detection']);
  const received = dataset === '' ? 'none' : `"${dataset}"`;
  return words.refuse(
    ofDetector ? `a data set for detection (${names.join(', ')})` : `a data set (${names.join(', ')}) or detection`,
    meant ? `${received} (did you mean "${meant}"?)` : received,
  );
}
