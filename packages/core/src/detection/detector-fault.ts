import { NerRetrieverError } from '../errors.js';

/** Makes the DETECTOR_MODEL_INVALID errors of one folder. `remedy` is a sentence: what to do. */
export type DetectorFault = (
  field: string,
  expected: string,
  received: string,
  remedy: string,
  cause?: unknown,
) => NerRetrieverError;

export function detectorFault(directory: string): DetectorFault {
  return (field, expected, received, remedy, cause) =>
    new NerRetrieverError('DETECTOR_MODEL_INVALID', { directory, field, expected, received, remedy }, { cause });
}
