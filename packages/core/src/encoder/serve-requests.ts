import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import { NerRetrieverError } from '../errors.js';
import {
  type CarriedError,
  ControlWord,
  type FromWorker,
  type ToWorker,
  type WorkerControl,
} from './worker-messages.js';

/** What a thread does with a request. `checkpoint` throws where the request was cancelled: it is called between parts of the work. */
export type Handler<Request, Result> = (request: Request, checkpoint: () => void) => Promise<Result>;

/**
 * The whole life of a thread that a `WorkerThread` starts: it opens what it needs, says that it is ready, and answers one request at
 * a time, so that nothing runs when it is told to close.
 *
 * @param buffers What of a result is handed over instead of copied.
 */
export async function serveRequests<Request, Result>(
  open: () => Promise<Handler<Request, Result>>,
  buffers: (result: Result) => Transferable[],
): Promise<void> {
  const port = parentPort as NonNullable<typeof parentPort>;
  const { control } = workerData as WorkerControl;
  const throwIfCancelled = () => {
    if (Atomics.load(control, ControlWord.cancel) === 1) throw new Cancelled();
  };
  const answer = (message: FromWorker<Result>) => {
    Atomics.store(control, ControlWord.busy, 0);
    Atomics.notify(control, ControlWord.busy);
    port.postMessage(message, message.kind === 'result' ? buffers(message.result) : []);
  };

  let handle: Handler<Request, Result>;
  try {
    handle = await open();
  } catch (error) {
    answer({ kind: 'error', error: carried(error) });
    return;
  }
  port.on('message', async (message: ToWorker<Request>) => {
    if (message.kind === 'close') {
      port.close();
      return;
    }
    try {
      answer({ kind: 'result', result: await handle(message.request, throwIfCancelled) });
    } catch (error) {
      answer(error instanceof Cancelled ? { kind: 'cancelled' } : { kind: 'error', error: carried(error) });
    }
  });
  answer({ kind: 'ready' });
}

class Cancelled extends Error {}

function carried(error: unknown): CarriedError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  if (!NerRetrieverError.isInstance(error)) return { code: null, details: {}, message, stack };
  return { code: error.code, details: error.details, message, stack };
}
