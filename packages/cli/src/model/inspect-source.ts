import type { ModelInspection, Tap } from '@ner-retriever/core/model';
import type { Surroundings } from '../command.js';
import type { Arguments } from '../flags/arguments.js';
import { formatBytes, formatCount, formatOperations } from '../terminal/format.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';
import { sanitise } from '../terminal/sanitise.js';
import { batchNote } from './batch-note.js';
import { sourceOptions } from './source-options.js';

/** `model inspect`: the blocks of an uncut model, and the tensors that can be taps. */
export async function inspectSource(
  source: string,
  words: Arguments,
  { output, messages }: Surroundings,
): Promise<number> {
  const { inspectModel, tapKinds } = await import('@ner-retriever/core/model');
  const progress = new Progress(messages);
  const inspection = await inspectModel(source, await sourceOptions(words, progress)).finally(() => progress.end());
  if (words.has('json')) await output.line(jsonText(inspection, 2));
  else await output.write(`${[...summary(inspection), '', ...tapLines(inspection, tapKinds)].join('\n')}\n`);
  if (inspection.blocks.length === 0) {
    messages.warn('nothing in this graph attends as a transformer does; --tap-tensor NAME takes a tensor by its name.');
  }
  if (inspection.batchDependent) messages.warn(batchNote);
  return 0;
}

function summary({ file, modelType, operatorSets, inputs, cost, blocks }: ModelInspection): string[] {
  const sets = operatorSets.map(({ domain, version }) => `${domain || 'ai.onnx'} ${version}`).join(', ');
  const caches = inputs.filter(({ name }) => /past|cache/.test(name)).length;
  const plain = inputs.filter(({ name }) => !/past|cache/.test(name)).map(({ name }) => name);
  const taken = [...plain, ...(caches > 0 ? [`${caches} of a cache`] : [])].join(', ');
  return [
    ['graph', sanitise(file)],
    ['model type', sanitise(modelType)],
    ['operators', sanitise(sets)],
    ['inputs', sanitise(taken)],
    ['blocks', formatCount(blocks.length)],
    ['parameters', formatCount(cost.parameters)],
    ['weights', formatBytes(cost.weightBytes)],
    ['a token', `${formatOperations(cost.flopsPerToken)} in the linear layers of the whole graph`],
  ].map(([title = '', value]) => `${title.padEnd(12)}${value}`);
}

function tapLines(
  { blocks }: ModelInspection,
  kinds: readonly (keyof ModelInspection['blocks'][number]['taps'])[],
): string[] {
  return blocks.flatMap(({ index, scope, taps }) => [
    `block ${index}  ${sanitise(shortScope(scope))}`,
    ...kinds.map((kind) => `  ${kind.padEnd(10)}${tapText(taps[kind])}`),
  ]);
}

function tapText(tap: Tap | undefined): string {
  if (tap === undefined) return '–';
  const { tensor, dimensions, columns, addend, projection } = tap;
  const parts = [`[batch, tokens, ${dimensions ?? '?'}]`, sanitise(tensor)];
  if (projection !== undefined) parts.push(`× ${sanitise(projection.weight)}`);
  if (addend !== undefined) parts.push(`+ ${sanitise(addend)}`);
  if (columns !== undefined) parts.push(`columns ${columnsText(columns)}`);
  return parts.join('  ');
}

function columnsText(columns: readonly number[]): string {
  const [first = 0, last = 0] = [columns[0], columns.at(-1)];
  return last - first + 1 === columns.length ? `${first} to ${last}` : `${columns.length} from ${first} to ${last}`;
}

/** PyTorch's newer exporter tells all modules that a node lies in; the last but one is the layer. */
function shortScope(scope: string): string {
  const scopes = [...scope.matchAll(/'([^']*)'/g)].map(([, name]) => name);
  return scopes.length > 1 ? (scopes.at(-2) ?? scope) : scope;
}
