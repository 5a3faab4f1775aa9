import type { DetectorFault } from './detector-fault.js';
import type { Json } from './detector-folder.js';

/** The names of a model's labels by their numbers, one of them O. @throws NerRetrieverError DETECTOR_MODEL_INVALID. */
export function readLabels({ id2label }: Json, fault: DetectorFault): string[] {
  const remedy = 'Write the names of the labels there, by their numbers: {"0": "O", "1": "B-PER", …}.';
  if (typeof id2label !== 'object' || id2label === null) {
    throw fault('id2label in config.json', 'an object', id2label === undefined ? 'none' : String(id2label), remedy);
  }
  const count = Object.keys(id2label).length;
  const labels = Array.from({ length: count }, (_, i) => (id2label as Json)[i]);
  if (count === 0 || !labels.every((label) => typeof label === 'string')) {
    const received = JSON.stringify(id2label).slice(0, 80);
    throw fault('id2label in config.json', 'a name for every label, numbered from 0', received, remedy);
  }
  if (!labels.includes('O')) {
    const rename = 'Rename the label that means "no entity" to O.';
    throw fault('id2label in config.json', 'a label O among the labels', labels.join(', ').slice(0, 80), rename);
  }
  return labels as string[];
}
