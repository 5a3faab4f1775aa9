import type { LabelledCorpus } from './labelled-corpus.js';
import { readTaggedSentences } from './read-tagged-sentences.js';
import { readableType } from './readable-type.js';
import { anyPrefix } from './tag-scheme.js';

/**
 * Reads files of tagged tokens (CoNLL) of any data set as one corpus: columns parted by tabulators or spaces, the token first and the
 * tag last (BIO, IOB1, BILOU or IOBES), blank lines between sentences. A sentence is a document, named after its place in the file.
 * Lines that begin with -DOCSTART- or "# " and have no tag are passed over. Types are those that occur, in the order of the alphabet.
 */
export async function readConll(files: readonly string[]): Promise<LabelledCorpus> {
  const documents = await readTaggedSentences(files, {
    tokenLine: 'token … tag',
    separator: /[\t ]+/,
    scheme: anyPrefix,
    isSkipped: (line, fields) =>
      line.startsWith('-DOCSTART-') || (line.startsWith('# ') && anyPrefix.read(fields.at(-1) ?? '') === null),
  });
  const types = new Set(documents.flatMap(({ mentions }) => mentions.flatMap((mention) => mention.types)));
  return { name: 'conll', types: [...types].sort().map(readableType), documents };
}
