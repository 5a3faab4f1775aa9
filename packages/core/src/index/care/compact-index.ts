import { checkOption, checkOptions } from '../../check-options.js';
import { IndexFolder } from '../index-folder.js';
import type { CompactionOptions, CompactionProgress, CompactionSummary } from '../segments/compaction.js';
import { indexRoot } from './index-root.js';

export interface CompactOptions {
  /** Ends the run and leaves the index as it was. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CompactionProgress) => void;
}

/**
 * Gives back the room that deleted and replaced documents took. Needs as much free disk as the living ones take, and no model; until it is done
 * the index is as it was, and searches go on meanwhile.
 *
 * @throws NerRetrieverError OPTION_…, INDEX_NOT_FOUND, NOT_AN_INDEX, INDEX_FORMAT_NEWER, INDEX_FORMAT_OLDER, INDEX_READ_ONLY, INDEX_LOCKED,
 *   DISK_FULL, INDEX_DAMAGED, STORAGE_FAILED, and the signal's reason
 */
export async function compactIndex(directory: string, options: CompactOptions = {}): Promise<CompactionSummary> {
  const checked = compactionOptions(options);
  const folder = await IndexFolder.open(indexRoot(directory));
  try {
    const writer = await folder.openWriter();
    try {
      return await writer.compact(checked);
    } finally {
      await writer.close();
    }
  } finally {
    folder.close();
  }
}

export function compactionOptions(options: CompactOptions): CompactionOptions {
  checkOptions('compact', options, ['signal', 'onProgress']);
  const { signal, onProgress: report = () => {} } = options;
  checkOption(signal === undefined || signal instanceof AbortSignal, 'signal', 'an AbortSignal', signal);
  checkOption(typeof report === 'function', 'onProgress', 'a function', report);
  return { signal, report };
}
