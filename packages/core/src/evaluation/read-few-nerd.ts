import { fewNerdTypes } from './few-nerd-types.js';
import type { LabelledCorpus } from './labelled-corpus.js';
import { readTaggedSentences } from './read-tagged-sentences.js';
import { bareTypes } from './tag-scheme.js';

/**
 * Reads files of Few-NERD (train.txt, dev.txt, test.txt; supervised, inter and intra have one form) as one corpus: token, tabulator,
 * type, as in "Newman\tperson-actor"; O outside. A sentence is a document, named after its place in the file.
 */
export async function readFewNerd(files: readonly string[]): Promise<LabelledCorpus> {
  const types = fewNerdTypes;
  // The official reader passes over tokens of white space alone, so this one does.
  const isSkipped = (_: string, fields: readonly string[]) => fields.length === 2 && fields[0]?.trim() === '';
  const format = { tokenLine: 'token\\ttype', separator: '\t', fields: 2, scheme: bareTypes, types, isSkipped };
  return { name: 'fewnerd', types, documents: await readTaggedSentences(files, format) };
}
