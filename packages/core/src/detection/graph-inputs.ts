import { basename } from 'node:path';
import type { DetectorFolder } from './detector-folder.js';
import type { Feed, Signature } from './session-messages.js';

/**
 * Checks what a graph takes and gives before it runs: `expected` inputs with their element types and a float32 output `logits`.
 *
 * @throws NerRetrieverError DETECTOR_MODEL_INVALID that names the input or output which is not known.
 */
export function checkSignature(
  { inputs, outputs }: Signature,
  expected: Readonly<Record<string, Feed['type']>>,
  optional: readonly string[],
  { graph, fault }: DetectorFolder,
  kind: string,
): void {
  const invalid = (what: string, received: string, remedy: string) =>
    fault(`the graph ${basename(graph)}`, what, received, remedy);
  const again = `Export the model again as a ${kind}.`;
  for (const [name, type] of Object.entries(inputs)) {
    if (expected[name] === undefined) {
      const known = Object.keys(expected).join(', ');
      throw invalid(
        `inputs among ${known}`,
        `an input ${name}`,
        `It is no graph of a ${kind}: name the folder of one.`,
      );
    }
    if (type !== expected[name]) throw invalid(`${expected[name]} in the input ${name}`, type, again);
  }
  for (const name of Object.keys(expected)) {
    if (inputs[name] === undefined && !optional.includes(name)) {
      throw invalid(`an input ${name}`, Object.keys(inputs).join(', '), again);
    }
  }
  if (outputs.logits === undefined) throw invalid('an output logits', Object.keys(outputs).join(', '), again);
  if (outputs.logits !== 'float32') {
    const remedy = 'Use the float32 export, or convert it with float32 inputs and outputs kept (keep_io_types).';
    throw invalid('float32 in the output logits', outputs.logits, remedy);
  }
}

/** A tensor of whole numbers of at least 0, as graphs take them. */
export function int64Feed(values: Int32Array, dims: readonly number[]): Feed {
  const data = new BigInt64Array(values.length);
  // A BigInt a number would be slow: the low words are written instead (all supported systems are little-endian).
  const words = new Int32Array(data.buffer);
  for (let i = 0; i < values.length; i++) words[2 * i] = values[i] as number;
  return { type: 'int64', data, dims };
}
