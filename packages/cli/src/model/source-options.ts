import type { ModelSourceOptions } from '@ner-retriever/core/model';
import type { Arguments } from '../flags/arguments.js';
import { formatBytes } from '../terminal/format.js';
import type { Progress } from '../terminal/progress.js';
import { sanitise } from '../terminal/sanitise.js';

/** Which graph of a source is meant, and how its download is shown. */
export async function sourceOptions(words: Arguments, progress: Progress): Promise<ModelSourceOptions> {
  const { modelDtypes } = await import('@ner-retriever/core/model');
  const dtype = words.choice('dtype', modelDtypes);
  const revision = words.text('revision');
  return {
    ...(dtype && { dtype }),
    ...(revision !== undefined && { revision }),
    onDownload: ({ file, receivedBytes, totalBytes }) =>
      progress.show(
        totalBytes === 0 ? null : receivedBytes / totalBytes,
        () => `${sanitise(file)}: ${formatBytes(receivedBytes)} of ${formatBytes(totalBytes)} downloaded`,
      ),
  };
}
