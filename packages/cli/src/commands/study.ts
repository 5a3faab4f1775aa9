import { writeFile } from 'node:fs/promises';
import { NerRetrieverError } from '@ner-retriever/core/errors';
import type { Command } from '../command.js';
import type { Arguments } from '../flags/arguments.js';
import { sourceOptions } from '../model/source-options.js';
import { formatStudyReport } from '../study/format-study-report.js';
import { studyPage } from '../study/study-page.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';
import { sanitise } from '../terminal/sanitise.js';

export const study: Command = {
  usage: ['FILE… --model SOURCE'],
  about: `The paper's study on any uncut model: for every block, every sub-layer (query, key, value, attention, MLP, hidden) and every pooling of a
mention's tokens, how well the vectors tell types apart. All of them are read in one pass over the corpus; no projection head is in it.
AUC: how often two mentions of one type are nearer than two mentions of different types; 0.5 is chance. R-Precision: of the type descriptions.
FILE…: MultiCoNER 2 (.conll) or a labelled data set of your own (.jsonl), as for eval. SOURCE: as for "model prepare".`,
  flags: [
    { name: 'model', value: 'SOURCE', help: 'the uncut model: a folder, an .onnx file or a Hugging Face id' },
    {
      name: 'dtype',
      value: 'TYPE',
      help: 'fp32, fp16, q8 or q4: which of the graphs of SOURCE (default: fp32, or the only one)',
    },
    { name: 'revision', value: 'REVISION', help: 'of a Hugging Face id: the branch, tag or commit (default: main)' },
    { name: 'documents', value: 'N', help: 'documents that are drawn from the corpus (default: 2000)' },
    { name: 'pairs', value: 'N', help: 'pairs of mentions of one type, and as many of two (default: 20000)' },
    { name: 'seed', value: 'N', help: 'of what is drawn (default: 1)' },
    { name: 'report', value: 'FILE.html', help: 'the heat maps as a page' },
    { name: 'json', help: 'the report as JSON' },
  ],
  examples: [
    'study en-dev.conll --model Llama-3.2-1B-ONNX --report study.html',
    'study labelled.jsonl --model owner/name --documents 500 --json > study.json',
  ],

  async run(words, { output, messages }) {
    const source = words.required('model');
    const page = words.text('report');
    const documents = words.integer('documents', 1);
    const pairs = words.integer('pairs', 1);
    const seed = words.integer('seed', 1);
    const corpus = await readCorpus(words);
    const { study: run } = await import('@ner-retriever/core/study');
    const interruption = new Interruption(() => messages.note('Interrupted. Ctrl-C again quits at once.'));
    const { signal } = interruption;
    const progress = new Progress(messages);
    try {
      const report = await run(source, corpus, {
        ...(await sourceOptions(words, progress)),
        ...(documents !== undefined && { documents }),
        ...(pairs !== undefined && { pairs }),
        ...(seed !== undefined && { seed }),
        signal,
        onProgress: ({ stage, share }) => progress.show(share, () => `${stage}, ${Math.floor(100 * share)} %`),
      });
      progress.end();
      if (page !== undefined) {
        await writeFile(page, studyPage(report)).catch((cause) => {
          throw new NerRetrieverError('FILE_UNWRITABLE', { file: page, reason: (cause as Error).message }, { cause });
        });
        messages.note(`${sanitise(page)}: the heat maps`);
      }
      if (words.has('json')) await output.line(jsonText(report, 2));
      else await output.write(formatStudyReport(report));
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

/** The files tell by their names what they are. */
async function readCorpus(words: Arguments) {
  const files = words.operands;
  if (files.length === 0) words.refuse('FILE…', 'none');
  const { readMulticoner2, readSilver } = await import('@ner-retriever/core/evaluation');
  if (files.every((file) => file.endsWith('.conll'))) return readMulticoner2(files);
  if (files.every((file) => file.endsWith('.jsonl'))) return readSilver(files);
  return words.refuse('.conll files, or .jsonl files', files.map((file) => JSON.stringify(file)).join(', '));
}
