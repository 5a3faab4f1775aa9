import type { Surroundings } from '../command.js';
import type { Arguments } from '../flags/arguments.js';
import { sanitise } from '../terminal/sanitise.js';
import { oneFile } from './head-file.js';

/** `head apply`: a model folder that is another one with this head. */
export async function applyHead(
  operands: readonly string[],
  words: Arguments,
  { messages }: Surroundings,
): Promise<number> {
  const head = oneFile(operands, words);
  const out = words.required('out');
  const model = words.text('model');
  const { modelWithHead } = await import('@ner-retriever/core/model');
  const { directory, description } = await modelWithHead(head, { out, ...(model !== undefined && { model }) });
  messages.note(
    `${sanitise(directory)}: ${sanitise(description.name)} with this head, ${description.dimensions} dimensions`,
  );
  return 0;
}
