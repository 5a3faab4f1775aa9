import { NerRetrieverError } from '../errors.js';
import type { FetchedTensor } from './session-messages.js';

/** Between what float arithmetic leaves (1e-6) and what a quantisation does whose scales are taken over a whole batch (1e-3). */
const TOLERANCE = 1e-4;

/**
 * Whether a text's scores are the same when it shares its run with another. They are not where a graph is quantised dynamically, or
 * was exported for one text at a time; then every text must have a run of its own.
 *
 * @param together Runs the text again, first of two.
 * @param scores The text's own scores of a run, probabilities.
 */
export async function sameInBatch(
  alone: FetchedTensor,
  together: () => Promise<FetchedTensor>,
  scores: (output: FetchedTensor) => ArrayLike<number>,
): Promise<boolean> {
  let shared: FetchedTensor;
  try {
    shared = await together();
  } catch (error) {
    if (NerRetrieverError.isInstance(error) && error.code === 'DETECTOR_FAILED') return false;
    throw error;
  }
  const expected = scores(alone);
  const received = scores(shared);
  return Array.from(expected).every((score, i) => Math.abs(score - (received[i] as number)) < TOLERANCE);
}
