import type { Surroundings } from '../command.js';
import type { Arguments } from '../flags/arguments.js';
import { formatCount } from '../terminal/format.js';
import { jsonText } from '../terminal/json-text.js';
import { sanitise } from '../terminal/sanitise.js';
import { oneFile } from './head-file.js';

/** `head info`: what a head is made of. */
export async function infoOfHead(
  operands: readonly string[],
  words: Arguments,
  { output }: Surroundings,
): Promise<number> {
  const file = oneFile(operands, words);
  const { ProjectionHead } = await import('@ner-retriever/core');
  const { description } = await ProjectionHead.load(file);
  if (words.has('json')) {
    await output.line(jsonText({ file, ...description }, 2));
    return 0;
  }
  const { layers, gate, parameters } = description;
  const rows = [
    ['head', sanitise(file)],
    ...(gate ? [['gate', `on ${formatCount(description.inputDimensions)} inputs`]] : []),
    ...layers.map(({ inputDimensions, outputDimensions }, i) => [
      `layer ${i + 1}`,
      `${formatCount(inputDimensions)} to ${formatCount(outputDimensions)}${i < layers.length - 1 ? ', SiLU' : ', L2'}`,
    ]),
    ['parameters', formatCount(parameters)],
  ];
  await output.write(rows.map(([title = '', value]) => `${title.padEnd(12)}${value}\n`).join(''));
  return 0;
}
