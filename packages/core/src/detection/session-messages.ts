import type { Tensor } from 'onnxruntime-node';

/** An input of a run; dims of row-major data. */
export interface Feed {
  readonly type: 'int64' | 'bool';
  /** One byte a truth value. */
  readonly data: BigInt64Array | Uint8Array;
  readonly dims: readonly number[];
}

/** An output of a run, always float32. */
export interface FetchedTensor {
  readonly data: Float32Array<ArrayBuffer>;
  readonly dims: readonly number[];
}

/** What a graph takes and gives: element types by name. */
export interface Signature {
  readonly inputs: Readonly<Record<string, Tensor.Type>>;
  readonly outputs: Readonly<Record<string, Tensor.Type>>;
}

/** What a session thread is started with. */
export interface SessionSetup {
  /** As errors name it. */
  readonly directory: string;
  /** Absolute path of the graph. */
  readonly graph: string;
  readonly threads: number;
}

export type SessionRequest = { readonly feeds: Readonly<Record<string, Feed>>; readonly fetch: string } | 'signature';

export type SessionResult = FetchedTensor | Signature;
