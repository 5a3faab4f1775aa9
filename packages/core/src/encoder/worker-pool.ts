import { NerRetrieverError } from '../errors.js';
import type { WorkerThread } from './worker-thread.js';

/** A request that waits for a worker or runs in one. */
interface Task<Request, Result> {
  readonly request: Request;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
  worker: WorkerThread<Request, Result> | null;
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Default: false, behind all requests that came before. */
  readonly urgent?: boolean;
}

/** Threads that take requests in order. A request stays where it is until a worker is free, so nothing piles up in them. */
export class WorkerPool<Request, Result> {
  readonly #workers: Set<WorkerThread<Request, Result>>;
  readonly #idle: WorkerThread<Request, Result>[];
  /** Short requests that somebody waits for: they do not stand behind a call with thousands of documents. */
  readonly #urgent: Task<Request, Result>[] = [];
  readonly #waiting: Task<Request, Result>[] = [];
  #closing: Promise<void> | null = null;
  #drained: (() => void) | null = null;

  /** The workers have all answered that they are ready: see `startWorkers`. */
  constructor(workers: readonly WorkerThread<Request, Result>[]) {
    this.#workers = new Set(workers);
    this.#idle = [...workers];
    for (const worker of workers) worker.ended.then(() => this.#forget(worker));
  }

  get size(): number {
    return this.#workers.size;
  }

  /**
   * @throws NerRetrieverError ENCODER_CLOSED, WORKER_LOST, ENCODER_FAILED; `signal`'s reason at once, while the worker stops
   *   before its next batch.
   */
  run(request: Request, { signal, urgent = false }: RequestOptions = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#closing !== null) throw new NerRetrieverError('ENCODER_CLOSED', {});
      const abort = () => {
        reject(signal?.reason);
        this.#withdraw(task);
      };
      const task: Task<Request, Result> = {
        request,
        worker: null,
        resolve: (result) => {
          signal?.removeEventListener('abort', abort);
          resolve(result);
        },
        reject: (reason) => {
          signal?.removeEventListener('abort', abort);
          reject(reason);
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      (urgent ? this.#urgent : this.#waiting).push(task);
      this.#deal();
    });
  }

  /** Refuses new requests, lets those that were accepted finish, then ends the workers. */
  close(): Promise<void> {
    this.#closing ??= this.#drain().then(async () => {
      await Promise.all([...this.#workers].map((worker) => worker.close()));
    });
    return this.#closing;
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
      this.#deal();
    });
  }

  #deal(): void {
    while (this.#idle.length > 0) {
      const task = this.#urgent.shift() ?? this.#waiting.shift();
      if (task === undefined) break;
      this.#runIn(this.#idle.pop() as WorkerThread<Request, Result>, task);
    }
    if (this.#workers.size === 0) {
      for (const task of [...this.#urgent.splice(0), ...this.#waiting.splice(0)]) {
        task.reject(new NerRetrieverError('WORKER_LOST', { reason: 'every worker has ended' }));
      }
    }
    if (this.#urgent.length + this.#waiting.length === 0 && this.#idle.length === this.#workers.size) this.#drained?.();
  }

  async #runIn(worker: WorkerThread<Request, Result>, task: Task<Request, Result>): Promise<void> {
    task.worker = worker;
    try {
      const result = await worker.run(task.request);
      // Null: cancelled, and the caller was told when it aborted.
      if (result !== null) task.resolve(result);
    } catch (error) {
      task.reject(error);
    }
    task.worker = null;
    if (worker.lost === null) this.#idle.push(worker);
    else this.#workers.delete(worker);
    this.#deal();
  }

  #withdraw(task: Task<Request, Result>): void {
    if (task.worker !== null) {
      task.worker.cancel();
      return;
    }
    for (const queue of [this.#urgent, this.#waiting]) {
      const place = queue.indexOf(task);
      if (place >= 0) queue.splice(place, 1);
    }
    this.#deal();
  }

  #forget(worker: WorkerThread<Request, Result>): void {
    this.#workers.delete(worker);
    const place = this.#idle.indexOf(worker);
    if (place >= 0) this.#idle.splice(place, 1);
    this.#deal();
  }
}

/**
 * Starts threads of one kind; resolves when every one of them is ready.
 *
 * @throws what the first worker that fails throws; `signal`'s reason.
 */
export async function startWorkers<Request, Result>(
  count: number,
  start: () => WorkerThread<Request, Result>,
  signal?: AbortSignal,
): Promise<WorkerThread<Request, Result>[]> {
  signal?.throwIfAborted();
  const started = Array.from({ length: count }, start);
  const outcomes = await Promise.allSettled(started.map((worker) => worker.ready()));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined || signal?.aborted) {
    await Promise.all(started.map((worker) => worker.close()));
    throw failure?.reason ?? signal?.reason;
  }
  return started;
}
