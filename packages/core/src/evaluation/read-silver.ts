import type { LabelledCorpus } from './labelled-corpus.js';
import { readLabelledJsonLines } from './read-labelled-json-lines.js';

/** Reads the silver benchmark (see training/README.md), which is written as any labelled data set of one's own is. */
export async function readSilver(files: readonly string[]): Promise<LabelledCorpus> {
  return { ...(await readLabelledJsonLines(files)), name: 'silver' };
}
