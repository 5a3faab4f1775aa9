import type { DetectorFolder } from './detector-folder.js';
import type { GlinerConfig } from './gliner-config.js';
import type { GlinerRunner } from './gliner-runner.js';
import { type ReadSpans, spansOfFirstMarks, spansOfLastMarks, spansOfWidths } from './gliner-spans.js';
import { checkSignature } from './graph-inputs.js';
import { sameInBatch } from './same-in-batch.js';
import type { FetchedTensor, Signature } from './session-messages.js';

const TOKEN_INPUTS = {
  input_ids: 'int64',
  attention_mask: 'int64',
  token_type_ids: 'int64',
  words_mask: 'int64',
  text_lengths: 'int64',
} as const;

const SPAN_INPUTS = { ...TOKEN_INPUTS, span_idx: 'int64', span_mask: 'bool' } as const;

/** How a graph is to be read and fed. */
export interface GlinerGraph {
  readonly readSpans: ReadSpans;
  /** Whether texts may share a run. */
  readonly inBatches: boolean;
}

/**
 * Checks a graph and runs it, so that what does not fit together is told when the detector is opened.
 *
 * @throws NerRetrieverError DETECTOR_MODEL_INVALID, DETECTOR_FAILED.
 */
export async function probeGliner(
  runner: GlinerRunner,
  signature: Signature,
  classes: number,
  { maximumWidth }: GlinerConfig,
  folder: DetectorFolder,
): Promise<GlinerGraph> {
  const spanLevel = signature.inputs.span_idx !== undefined;
  checkSignature(signature, spanLevel ? SPAN_INPUTS : TOKEN_INPUTS, ['token_type_ids'], folder, 'GLiNER model');
  const words = await runner.wordsOf(['a', 'b', 'c']);
  const text = { words, range: { begin: 0, end: 2 } };
  const longer = { words, range: { begin: 0, end: 3 } };
  const alone = await runner.run([text]);
  const layouts: [readonly number[], ReadSpans][] = spanLevel
    ? [[[1, 2, maximumWidth, classes], spansOfWidths]]
    : [
        [[1, 2, classes, 3], spansOfLastMarks],
        [[3, 1, 2, classes], spansOfFirstMarks],
      ];
  const layout = layouts.find(([expected]) => String(expected) === String(alone.dims));
  if (layout === undefined) {
    throw folder.fault(
      'the graph',
      `logits of ${layouts.map(([expected]) => `[${expected.join(', ')}]`).join(' or ')} for 2 words and ${classes} labels`,
      `[${alone.dims.join(', ')}]`,
      'Copy gliner_config.json, the tokenizer and the graph from one model.',
    );
  }
  const [, readSpans] = layout;
  const scores = (output: FetchedTensor) => {
    const texts = output === alone ? 1 : 2;
    const logits = { data: output.data, texts, words: texts + 1, width: maximumWidth, classes };
    return Array.from(readSpans(logits, 0, 2, 0), ({ score }) => score);
  };
  return { readSpans, inBatches: await sameInBatch(alone, () => runner.run([text, longer]), scores) };
}
