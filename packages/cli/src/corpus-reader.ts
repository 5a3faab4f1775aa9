import type { LabelledCorpus } from '@ner-retriever/core/evaluation';
import type { Arguments } from './flags/arguments.js';
import { nearest } from './flags/nearest.js';

type Library = typeof import('@ner-retriever/core/evaluation');
type CorpusReader = (library: Library) => (files: readonly string[]) => Promise<LabelledCorpus>;

/** Data sets whose types are searched for. */
const retrievalReaders = new Map<string, CorpusReader>([
  ['multiconer2', ({ readMulticoner2 }) => readMulticoner2],
  ['fewnerd', ({ readFewNerd }) => readFewNerd],
  ['neretrieve', ({ readNeretrieve }) => readNeretrieve],
  ['conll', ({ readConll }) => readConll],
  ['jsonl', ({ readLabelledJsonLines }) => readLabelledJsonLines],
  ['silver', ({ readSilver }) => readSilver],
]);

/** Data sets in which every mention is marked. */
const detectionReaders = new Map<string, CorpusReader>([
  ['multiconer2', ({ readMulticoner2 }) => readMulticoner2],
  ['wnut17', ({ readWnut17 }) => readWnut17],
  ['fewnerd', ({ readFewNerd }) => readFewNerd],
  ['conll', ({ readConll }) => readConll],
]);

export const dataSetsHelp = `All FILEs are one corpus, decompressed where their names end in .gz, .zst or .bz2. DATASET is one of:
multiconer2  the official .conll files; a sentence is a document
fewnerd      the official .txt files of Few-NERD (supervised, inter or intra); a sentence is a document
neretrieve   NERetrive_IR_corpus.jsonl.bz2 and the labels, NERetrive_IR_test.jsonl.bz2; a labelled paragraph is a document
conll        token first, tag last (BIO, IOB1, BILOU or IOBES), blank lines between sentences; types by their own names
jsonl        a data set of your own, a document a line (UTF-16 offsets), types by their own names:
             {"id": "…", "text": "…", "mentions": [{"start": 0, "end": 12, "types": ["volcano", "stratovolcano"]}]}
silver       the silver benchmark, written as jsonl is
wnut17       the official files, for detection alone`;

/** The reader of the data set that was named; refuses other names. */
export function corpusReaderOf(words: Arguments, dataset: string, ofDetector: boolean): CorpusReader {
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

/** The reader of a data set to train on: any whose types are searched for, but for the benchmark. */
export function trainingReaderOf(words: Arguments, dataset: string | undefined): CorpusReader {
  const names = [...retrievalReaders.keys()].filter((name) => name !== 'silver');
  const reader = names.includes(dataset ?? '') ? retrievalReaders.get(dataset as string) : undefined;
  if (reader !== undefined) return reader;
  const meant = dataset === undefined ? undefined : nearest(dataset, names);
  const received = dataset === undefined ? 'none' : JSON.stringify(dataset);
  return words.refuse(`a data set (${names.join(', ')})`, meant ? `${received} (did you mean "${meant}"?)` : received);
}
