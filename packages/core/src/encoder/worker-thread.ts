import { Worker } from 'node:worker_threads';
import { NerRetrieverError } from '../errors.js';
import { drainAtExit } from './drain-at-exit.js';
import { type CarriedError, ControlWord, type FromWorker, type ToWorker } from './worker-messages.js';

/**
 * A tokenizer's answers hold native memory that V8 does not count and frees only when it collects their handles: left to itself it lets
 * the young generation, and with it that memory, grow for minutes.
 */
const YOUNG_GENERATION_MIB = 16;

/** The main thread's side of one thread that `serveRequests` in its file. */
export class WorkerThread<Request, Result> {
  readonly #worker: Worker;
  readonly #control: Int32Array;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;
  #waiter: {
    readonly resolve: (message: FromWorker<Result>) => void;
    readonly reject: (lost: NerRetrieverError) => void;
  } | null = null;
  #lost: NerRetrieverError | null = null;

  /** Starts the thread; `ready` must be awaited before the first request. */
  constructor(setup: object, url: URL, name: string) {
    this.#control = new Int32Array(new SharedArrayBuffer(8));
    Atomics.store(this.#control, ControlWord.busy, 1);
    // Without the process's own flags: some of them (--input-type) a worker's file may not have.
    this.#worker = new Worker(url, {
      workerData: { ...setup, control: this.#control },
      name,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    });
    this.#worker.on('message', (message: FromWorker<Result>) => this.#waiter?.resolve(message));
    this.ended = new Promise((resolve) => {
      let cause: Error | undefined;
      this.#worker.on('error', (error) => {
        cause = error;
      });
      this.#worker.on('exit', () => {
        this.#lost = new NerRetrieverError('WORKER_LOST', { reason: cause?.message ?? 'its thread ended' }, { cause });
        drainAtExit.delete(this.#control);
        this.#waiter?.reject(this.#lost);
        resolve();
      });
    });
    drainAtExit.add(this.#control);
  }

  /** Why the thread ended, null while it lives. */
  get lost(): NerRetrieverError | null {
    return this.#lost;
  }

  /** Waits until the model is loaded. */
  async ready(): Promise<void> {
    try {
      await this.#next();
    } catch (error) {
      // A thread that ends before it is ready could not load something: its own words are what helps.
      if (error !== this.#lost) throw error;
      throw new NerRetrieverError('ENCODER_FAILED', { reason: this.#lost?.details.reason }, { cause: error });
    }
    // An idle pool does not keep a process alive that has nothing else to do.
    this.#worker.unref();
  }

  /** Null where the request was cancelled. One request at a time. */
  async run(request: Request): Promise<Result | null> {
    Atomics.store(this.#control, ControlWord.cancel, 0);
    Atomics.store(this.#control, ControlWord.busy, 1);
    this.#worker.ref();
    try {
      this.#post({ kind: 'run', request });
      const answer = await this.#next();
      return answer.kind === 'result' ? answer.result : null;
    } finally {
      this.#worker.unref();
    }
  }

  /** Asks the running request to stop before its next batch. */
  cancel(): void {
    Atomics.store(this.#control, ControlWord.cancel, 1);
  }

  /** Ends the idle thread by itself: a terminated run would abort the process. */
  async close(): Promise<void> {
    this.#worker.ref();
    this.#post({ kind: 'close' });
    await this.ended;
  }

  #post(message: ToWorker<Request>): void {
    this.#worker.postMessage(message);
  }

  async #next(): Promise<FromWorker<Result>> {
    const message = await new Promise<FromWorker<Result>>((resolve, reject) => {
      if (this.#lost !== null) throw this.#lost;
      this.#waiter = { resolve, reject };
    });
    if (message.kind === 'error') throw restored(message.error);
    return message;
  }
}

function restored({ code, details, message, stack }: CarriedError): NerRetrieverError {
  const cause = Object.assign(new Error(message), { stack });
  return code === null
    ? new NerRetrieverError('ENCODER_FAILED', { reason: message }, { cause })
    : new NerRetrieverError(code, details, { cause });
}
