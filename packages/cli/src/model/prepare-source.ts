import { NerRetrieverError } from '@ner-retriever/core/errors';
import type { PreparedModel } from '@ner-retriever/core/model';
import type { Surroundings } from '../command.js';
import type { Arguments } from '../flags/arguments.js';
import { formatBytes } from '../terminal/format.js';
import { Interruption, interrupted } from '../terminal/interruption.js';
import { jsonText } from '../terminal/json-text.js';
import { Progress } from '../terminal/progress.js';
import { sanitise } from '../terminal/sanitise.js';
import { batchNote } from './batch-note.js';
import { sourceOptions } from './source-options.js';

/** `model prepare`: cuts an ONNX export at a tap and writes a model folder. */
export async function prepareSource(
  source: string,
  words: Arguments,
  { output, messages }: Surroundings,
): Promise<number> {
  const { prepareModel, tapKinds } = await import('@ner-retriever/core/model');
  const out = words.required('out');
  words.exclusive('tap', 'tap-tensor');
  const tapTensor = words.text('tap-tensor');
  const block = words.integer('block', 0) ?? words.refuse('--block N', 'none');
  const tap = words.choice('tap', tapKinds);
  const head = words.text('head');
  const name = words.text('name');
  const interruption = new Interruption(() => messages.note('Interrupted: the unfinished folder is taken away.'));
  const { signal } = interruption;
  const progress = new Progress(messages);
  try {
    const prepared = await prepareModel(source, {
      block,
      out,
      signal,
      ...(tap && { tap }),
      ...(tapTensor !== undefined && { tapTensor }),
      ...(await sourceOptions(words, progress)),
      ...(head !== undefined && { head }),
      ...(name !== undefined && { name }),
      onProgress: ({ writtenBytes, totalBytes }) =>
        progress.show(
          totalBytes === 0 ? null : writtenBytes / totalBytes,
          () => `${formatBytes(writtenBytes)} of ${formatBytes(totalBytes)} written`,
        ),
    });
    progress.end();
    if (prepared.note !== null) messages.note(`Taken from the cache: ${sanitise(prepared.note)}.`);
    if (words.has('json')) await output.line(jsonText(prepared, 2));
    else messages.note(summary(prepared));
    if (prepared.description.encoder.batchDependent) messages.warn(batchNote);
    return 0;
  } catch (error) {
    if (signal.aborted) return interrupted;
    throw unwritable(out, error);
  } finally {
    progress.end();
    interruption.end();
  }
}

function summary({ directory, description, sourceWeightBytes, keptWeightBytes }: PreparedModel): string {
  const { tap, dimensions, head } = description;
  const saved = sourceWeightBytes - keptWeightBytes;
  const share = sourceWeightBytes === 0 ? 0 : Math.round((100 * saved) / sourceWeightBytes);
  return [
    `${sanitise(directory)}: ${sanitise(tap.tensor)} of block ${tap.block}, ${tap.dimensions} dimensions${head === null ? '' : `, projected to ${dimensions}`}`,
    `${formatBytes(keptWeightBytes)} of ${formatBytes(sourceWeightBytes)} of weights kept; ${formatBytes(saved)} (${share} %) saved`,
  ].join('\n');
}

/** What the file system says becomes a message about the folder; other errors stay what they are. */
function unwritable(file: string, cause: unknown): unknown {
  const { syscall, message } = cause as NodeJS.ErrnoException;
  return syscall === undefined ? cause : new NerRetrieverError('FILE_UNWRITABLE', { file, reason: message }, { cause });
}
