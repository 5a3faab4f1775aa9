import type { ModelInfo } from '@ner-retriever/core/model';
import type { Surroundings } from '../command.js';
import type { Arguments } from '../flags/arguments.js';
import { formatBytes, formatCount, formatOperations } from '../terminal/format.js';
import { jsonText } from '../terminal/json-text.js';
import { sanitise } from '../terminal/sanitise.js';
import { batchNote } from './batch-note.js';

/** `model info`: what a model folder holds and what it costs. */
export async function infoOfModel(
  directory: string,
  words: Arguments,
  { output, messages }: Surroundings,
): Promise<number> {
  const { modelInfo } = await import('@ner-retriever/core/model');
  const info = await modelInfo(directory);
  if (words.has('json')) await output.line(jsonText(info, 2));
  else await output.write(`${lines(info).join('\n')}\n`);
  if (info.description.encoder.batchDependent) messages.warn(batchNote);
  return 0;
}

function lines({ directory, description, fingerprint, bytes, cost }: ModelInfo): string[] {
  const { name, version, license, tap, pooling, head, dimensions, maximumTokens, detector, cutOff } = description;
  return [
    ['model', `${sanitise(name)} ${sanitise(version)}, ${sanitise(directory)}`],
    ['licence', sanitise(license)],
    ['tap', `${sanitise(tap.tensor)} of block ${tap.block}, ${tap.dimensions} dimensions, ${pooling} token`],
    ['head', head === null ? 'none: L2 alone' : `${sanitise(head)}, to ${dimensions} dimensions`],
    ['detector', detector === null ? 'none' : `its own, threshold ${detector.threshold}`],
    ['cut-off', cutOff === undefined ? 'unknown: no --min-score auto' : 'estimated with --min-score auto'],
    ['window', `${formatCount(maximumTokens)} tokens`],
    ['parameters', formatCount(cost.parameters)],
    ['weights', formatBytes(cost.weightBytes)],
    ['a token', `${formatOperations(cost.flopsPerToken)} in its linear layers`],
    ['size', formatBytes(bytes)],
    ['fingerprint', fingerprint],
  ].map(([title = '', value]) => `${title.padEnd(12)}${value}`);
}
