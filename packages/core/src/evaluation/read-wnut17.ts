import type { LabelledCorpus } from './labelled-corpus.js';
import { readTaggedSentences } from './read-tagged-sentences.js';
import { strictBio } from './tag-scheme.js';
import { wnut17Types } from './wnut17-types.js';

/** Reads files of WNUT-17 (emerging entities in noisy text) as one corpus. A sentence is a document, named after its place in the file. */
export async function readWnut17(files: readonly string[]): Promise<LabelledCorpus> {
  const types = wnut17Types;
  const format = { tokenLine: 'token\\ttag', separator: '\t', fields: 2, scheme: strictBio, types };
  return { name: 'wnut17', types, documents: await readTaggedSentences(files, format) };
}
