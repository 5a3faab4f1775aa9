import type { DeviceChoice } from '../device/device-choice.js';
import type { ModelFolder } from '../model/model-folder.js';
import type { EncodeRequest, EncodeResult } from './encode-request.js';
import type { WorkerLayout } from './worker-layout.js';
import type { EncoderSetup } from './worker-messages.js';
import { type RequestOptions, startWorkers, WorkerPool } from './worker-pool.js';
import { WorkerThread } from './worker-thread.js';

/** Threads that encode: text in, vectors out, a model in each. */
export class EncoderPool extends WorkerPool<EncodeRequest, EncodeResult> {
  /** Resolves when every worker has loaded the model. @throws what the first worker that fails throws; `signal`'s reason. */
  static async open(
    model: ModelFolder,
    { workers, threads }: WorkerLayout,
    signal?: AbortSignal,
    device: DeviceChoice['device'] = 'cpu',
    url: URL = new URL('./worker.js', import.meta.url),
  ): Promise<EncoderPool> {
    const setup: EncoderSetup = { directory: model.directory, description: model.description, threads, device };
    const start = () => new WorkerThread<EncodeRequest, EncodeResult>(setup, url, 'ner-retriever encoder');
    return new EncoderPool(await startWorkers(workers, start, signal));
  }

  /**
   * @throws NerRetrieverError ENCODER_CLOSED, WORKER_LOST, ENCODER_FAILED; `signal`'s reason at once, while the worker stops
   *   before its next batch.
   */
  encode(request: EncodeRequest, options?: RequestOptions): Promise<EncodeResult> {
    return this.run(request, options);
  }
}
