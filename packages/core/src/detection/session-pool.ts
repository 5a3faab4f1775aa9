import { layoutFor } from '../encoder/worker-layout.js';
import { startWorkers, WorkerPool } from '../encoder/worker-pool.js';
import { WorkerThread } from '../encoder/worker-thread.js';
import type { DetectorFolder } from './detector-folder.js';
import type {
  Feed,
  FetchedTensor,
  SessionRequest,
  SessionResult,
  SessionSetup,
  Signature,
} from './session-messages.js';

/**
 * An ONNX graph in threads of its own, a session in each: ONNX Runtime's run blocks the thread that calls it, so none may be on the
 * main thread.
 */
export class SessionPool {
  readonly signature: Signature;
  readonly #pool: WorkerPool<SessionRequest, SessionResult>;

  private constructor(pool: WorkerPool<SessionRequest, SessionResult>, signature: Signature) {
    this.#pool = pool;
    this.signature = signature;
  }

  /** @throws NerRetrieverError DETECTOR_MODEL_INVALID where ONNX Runtime refuses the graph; `signal`'s reason. */
  static async open(folder: DetectorFolder, workers?: number, signal?: AbortSignal): Promise<SessionPool> {
    const layout = layoutFor(folder.bytes, workers);
    const setup: SessionSetup = { directory: folder.directory, graph: folder.graph, threads: layout.threads };
    const url = new URL('./session-thread.js', import.meta.url);
    const start = () => new WorkerThread<SessionRequest, SessionResult>(setup, url, 'ner-retriever detector');
    const pool = new WorkerPool(await startWorkers(layout.workers, start, signal));
    return new SessionPool(pool, (await pool.run('signature')) as Signature);
  }

  /** Sessions that can run at once. */
  get size(): number {
    return this.#pool.size;
  }

  /** Runs to ask for at once: a session always has its next one waiting. */
  get lanes(): number {
    return this.size + 1;
  }

  /** One output of one run. @throws NerRetrieverError DETECTOR_FAILED, WORKER_LOST; `signal`'s reason. */
  async run(feeds: Readonly<Record<string, Feed>>, fetch: string, signal?: AbortSignal): Promise<FetchedTensor> {
    return (await this.#pool.run({ feeds, fetch }, signal === undefined ? {} : { signal })) as FetchedTensor;
  }

  /** Lets the runs that were accepted finish, then ends the threads. */
  close(): Promise<void> {
    return this.#pool.close();
  }
}
