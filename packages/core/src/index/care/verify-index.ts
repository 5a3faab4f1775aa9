import { checkOption, checkOptions } from '../../check-options.js';
import { NerRetrieverError } from '../../errors.js';
import { IndexFolder } from '../index-folder.js';
import { indexRoot } from './index-root.js';
import { IndexVerification, type Verification, type VerifyProgress } from './index-verification.js';

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/**
 * Reads an index from its first byte to its last, as it is when this is called, and says all that is wrong with it. Needs no model. SQLite's
 * own checks at the end of it hold up the event loop for as long as they take.
 *
 * @throws NerRetrieverError OPTION_…, INDEX_NOT_FOUND, NOT_AN_INDEX, INDEX_FORMAT_NEWER, INDEX_FORMAT_OLDER, STORAGE_FAILED, and the signal's
 *   reason. Damage is not thrown: it is in the answer.
 */
export async function verifyIndex(directory: string, options: VerifyOptions = {}): Promise<Verification> {
  checkOptions('verifyIndex', options, ['signal', 'onProgress']);
  const { signal, onProgress: report = () => {} } = options;
  checkOption(signal === undefined || signal instanceof AbortSignal, 'signal', 'an AbortSignal', signal);
  checkOption(typeof report === 'function', 'onProgress', 'a function', report);
  const root = indexRoot(directory);
  for (;;) {
    const verification = new IndexVerification(root, { signal, report });
    const manifest = await verification.attempt(() => IndexFolder.inspect(root));
    if (manifest === null) throw new NerRetrieverError('INDEX_NOT_FOUND', { directory });
    const result = await verification.run(manifest);
    // A compaction may take files away before they are opened: then there is a newer state.
    if (result) return result;
  }
}
