import type { DeviceChoice } from '../device/device-choice.js';
import type { ErrorCode, ErrorDetails } from '../errors.js';
import type { ModelDescription } from '../model/model-description.js';

/** Shared with every worker, as `control`: [cancel, busy], see `ControlWord`. */
export interface WorkerControl {
  readonly control: Int32Array;
}

/** What an encoder thread is started with. */
export interface EncoderSetup {
  readonly directory: string;
  readonly description: ModelDescription;
  readonly threads: number;
  /** Where the graph runs, and the projection behind it. */
  readonly device: DeviceChoice['device'];
}

/** Words that both threads see while the worker's own event loop stands still in a run. */
export const ControlWord = { cancel: 0, busy: 1 } as const;

export type ToWorker<Request> = { readonly kind: 'run'; readonly request: Request } | { readonly kind: 'close' };

export type FromWorker<Result> =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly result: Result }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'error'; readonly error: CarriedError };

/** An error on its way between threads: a class does not survive the copy. `code` is null for errors that are not the project's own. */
export interface CarriedError {
  readonly code: ErrorCode | null;
  readonly details: ErrorDetails;
  readonly message: string;
  readonly stack: string | undefined;
}
