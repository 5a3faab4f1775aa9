import type { LabelledCorpus } from './labelled-corpus.js';
import { multiconer2Types } from './multiconer2-types.js';
import { readTaggedSentences } from './read-tagged-sentences.js';
import { strictBio } from './tag-scheme.js';

/**
 * Reads MultiCoNER 2 files (.conll) as one corpus. A sentence is a document; an id that comes again gets "#2", "#3", … behind it,
 * because the official splits share a few.
 */
export async function readMulticoner2(files: readonly string[]): Promise<LabelledCorpus> {
  const types = multiconer2Types;
  const format = { tokenLine: 'token _ _ tag', separator: ' ', fields: 4, scheme: strictBio, types, headed: true };
  return { name: 'multiconer2', types, documents: await readTaggedSentences(files, format) };
}
