import { parentPort, workerData } from 'node:worker_threads';
import { NerRetrieverError } from '../errors.js';
import { checkedModelFolder } from '../model/model-folder.js';
import { ChunkEncoder } from './chunk-encoder.js';
import { type CarriedError, ControlWord, type FromWorker, type ToWorker, type WorkerSetup } from './worker-messages.js';

/** An encoder thread: one request at a time, so that nothing runs when it is told to close. */

const port = parentPort as NonNullable<typeof parentPort>;
const { directory, description, threads, control } = workerData as WorkerSetup;

class Cancelled extends Error {}

const encoder = await ChunkEncoder.open(checkedModelFolder(directory, description), threads).catch((error: unknown) => {
  answer({ kind: 'error', error: carried(error) });
  return null;
});

if (encoder !== null) {
  port.on('message', async (message: ToWorker) => {
    if (message.kind === 'close') {
      port.close();
      return;
    }
    try {
      answer({ kind: 'result', result: await encoder.encode(message.request, throwIfCancelled) });
    } catch (error) {
      answer(error instanceof Cancelled ? { kind: 'cancelled' } : { kind: 'error', error: carried(error) });
    }
  });
  answer({ kind: 'ready' });
}

function throwIfCancelled(): void {
  if (Atomics.load(control, ControlWord.cancel) === 1) throw new Cancelled();
}

function answer(message: FromWorker): void {
  Atomics.store(control, ControlWord.busy, 0);
  Atomics.notify(control, ControlWord.busy);
  if (message.kind !== 'result') {
    port.postMessage(message);
    return;
  }
  const { tokens, mentionCounts, spans, scores, usable, vectors } = message.result;
  port.postMessage(message, [
    tokens.buffer,
    mentionCounts.buffer,
    spans.buffer,
    scores.buffer,
    usable.buffer,
    vectors.buffer,
  ]);
}

function carried(error: unknown): CarriedError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  if (!NerRetrieverError.isInstance(error)) return { code: null, details: {}, message, stack };
  return { code: error.code, details: error.details, message, stack };
}
