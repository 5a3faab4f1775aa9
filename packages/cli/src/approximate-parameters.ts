import type { ApproximateParameters } from '@ner-retriever/core';
import type { Arguments } from './flags/arguments.js';
import type { Flag } from './flags/flag.js';

/** The flags that say how an approximate search trades time for recall. */
export const approximateFlags: readonly Flag[] = [
  { name: 'nprobe', value: 'N', help: 'IVF: how many of its lists an approximate search visits' },
  { name: 'ef-search', value: 'N', help: 'HNSW: how many candidates an approximate search keeps' },
  {
    name: 'refine-factor',
    value: 'K',
    help: 'RFlat, Refine(…): candidates scored again, in multiples of what is asked',
  },
];

export function approximateParameters(words: Arguments): ApproximateParameters {
  const nprobe = words.integer('nprobe', 1);
  const efSearch = words.integer('ef-search', 1);
  const refineFactor = words.number('refine-factor');
  return {
    ...(nprobe !== undefined && { nprobe }),
    ...(efSearch !== undefined && { efSearch }),
    ...(refineFactor !== undefined && { refineFactor }),
  };
}
