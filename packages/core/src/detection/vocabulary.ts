import type { DetectorFault } from './detector-fault.js';

/**
 * Refuses ids that the model has no embedding for, before they reach the graph.
 *
 * @param size As the configuration gives it; not checked where it gives none.
 */
export function checkVocabulary(ids: Int32Array, size: unknown, fault: DetectorFault): void {
  if (typeof size !== 'number' || size <= 0) return;
  for (const id of ids) {
    if (id < size) continue;
    throw fault(
      'tokenizer.json',
      `ids below the model's ${size}`,
      `the id ${id}`,
      'Copy the tokenizer and the graph from one model.',
    );
  }
}
