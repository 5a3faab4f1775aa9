import type { ErrorCode, ErrorDetails } from '../errors.js';
import type { ModelDescription } from '../model/model-description.js';
import type { EncodeRequest, EncodeResult } from './encode-request.js';

/** What a worker is started with. */
export interface WorkerSetup {
  readonly directory: string;
  readonly description: ModelDescription;
  readonly threads: number;
  /** Shared: [cancel, busy], see `ControlWord`. */
  readonly control: Int32Array;
}

/** Words that both threads see while the worker's own event loop stands still in a run. */
export const ControlWord = { cancel: 0, busy: 1 } as const;

export type ToWorker = { readonly kind: 'encode'; readonly request: EncodeRequest } | { readonly kind: 'close' };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly result: EncodeResult }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'error'; readonly error: CarriedError };

/** An error on its way between threads: a class does not survive the copy. `code` is null for errors that are not the project's own. */
export interface CarriedError {
  readonly code: ErrorCode | null;
  readonly details: ErrorDetails;
  readonly message: string;
  readonly stack: string | undefined;
}
