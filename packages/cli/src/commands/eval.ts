import type { EvaluationProgress, MeasuredDetector } from '@ner-retriever/core/evaluation';
import type { Command } from '../command.js';
import { corpusReaderOf, dataSetsHelp } from '../corpus-reader.js';
import { type Detecting, detectingFlags, namesDetector, openDetector } from '../detecting.js';
import { announceDevices, deviceFlag, deviceOf } from '../device-flag.js';
import { checkPageFile, writePageFile } from '../evaluation-page-file.js';
import type { Arguments } from '../flags/arguments.js';
import { formatDetectionReport } from '../format-detection-report.js';
import { formatEvaluationReport } from '../format-evaluation-report.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';
import { type Style, styleFor } from '../terminal/style.js';

export const evaluation: Command = {
  usage: ['DATASET FILE…', 'detection DATASET FILE…'],
  about: `Measures a model on a labelled data set by R-Precision: for a type with R relevant documents, the share of them among the first
R documents. The macro mean leaves the "other" types out. Measured in the same run: the model's tap without its head, BM25, the two
rankings of model and BM25 fused by reciprocal rank (hybrid), and one vector a document: by the model's own sentence head, if it has
one, and by a sentence model, if you name one. Last comes how good the sets are that search --min-score auto would leave.
${dataSetsHelp}

detection measures a mention detector instead (the model's, or --detector), whatever the types: fuzzy recall (in lower case, without accents and a leading
the, a or an, the words of one mention are all among the other's, or 0.8 of all their words are shared), exact spans, and their length.`,
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
      name: 'sentence-model',
      value: 'DIR',
      help: 'a sentence model with an ONNX graph, as a baseline: config.json, tokenizer.json, 1_Pooling/config.json',
    },
    {
      name: 'threshold',
      value: 'T',
      help: "detection: least confidence of a mention (with the model's detector: of a word in it), 0 to 1 (default: the detector's own)",
    },
    { name: 'report', value: 'FILE.html', help: 'the report also as a page with plots, in one file' },
    { name: 'json', help: 'the report as JSON' },
    deviceFlag,
  ],
  examples: [
    'eval multiconer2 en-train.conll en-dev.conll',
    'eval multiconer2 en-dev.conll --mentions detect --json > report.json',
    'eval fewnerd train.txt dev.txt test.txt',
    'eval neretrieve NERetrive_IR_corpus.jsonl.bz2 NERetrive_IR_test.jsonl.bz2',
    'eval jsonl my-types.jsonl',
    'eval multiconer2 en-dev.conll --report report.html',
    'eval multiconer2 en-dev.conll --sentence-model all-MiniLM-L6-v2',
    'eval detection wnut17 emerging.test.annotated --threshold 0.3',
    'eval detection wnut17 emerging.test.annotated --detector gazetteer:names.txt',
  ],

  async run(words, { output, messages, environment }) {
    const ofDetector = words.operands[0] === 'detection';
    const [dataset = '', ...files] = words.operands.slice(ofDetector ? 1 : 0);
    const reader = corpusReaderOf(words, dataset, ofDetector);
    if (files.length === 0) words.refuse(`the files of ${dataset}`, 'none');
    for (const flag of ['mentions', 'sentence-model', 'report']) {
      if (ofDetector && words.has(flag)) words.refuse(`detection or --${flag}`, 'both');
    }
    if (!ofDetector && words.has('threshold')) words.refuse('--threshold with detection', `it with ${dataset}`);
    const mentions = words.choice('mentions', ['given', 'detect']);
    if (namesDetector(words)) {
      if (!ofDetector && mentions !== 'detect') words.refuse('--mentions detect with --detector', 'none');
      if (ofDetector && words.has('model')) words.refuse('--model or --detector', 'both');
    }
    const threshold = words.number('threshold');
    const page = words.text('report');
    if (page !== undefined) await checkPageFile(page);

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
        await using embedder = await Embedder.open(words.text('model'), {
          signal,
          ...deviceOf(words),
          ...(detector && { detector }),
        });
        announceDevices({ encoder: embedder.device }, words, messages);
        const directory = words.text('sentence-model');
        await using sentenceModel = directory === undefined ? undefined : await library.SentenceModel.open(directory);
        const options = { ...watched, ...(mentions && { mentions }), ...(sentenceModel && { sentenceModel }) };
        const report = await library.evaluate(corpus, embedder, options);
        await print(report, formatEvaluationReport);
        if (page !== undefined) await writePageFile(page, report);
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
  const embedder = await Embedder.open(words.text('model'), { signal, ...deviceOf(words) });
  return { detector: embedder, [Symbol.asyncDispose]: () => embedder.close() };
}
