import type { Surroundings } from '../command.js';
import type { Arguments } from '../flags/arguments.js';
import { sanitise } from '../terminal/sanitise.js';
import { headToWrite, oneFile } from './head-file.js';
import { headWords } from './head-words.js';

/** `head import`: a head of PyTorch or NumPy as .safetensors. */
export async function importHead(
  operands: readonly string[],
  words: Arguments,
  { messages }: Surroundings,
): Promise<number> {
  const file = oneFile(operands, words);
  const out = await headToWrite(words);
  const { ProjectionHead } = await import('@ner-retriever/core');
  const head = await ProjectionHead.load(file);
  await head.save(out);
  messages.note(`${sanitise(out)}: ${headWords(head.description)}`);
  return 0;
}
