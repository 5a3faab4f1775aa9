import type { CutOffConstants } from './cut-off-constants.js';
import type { Pooling } from './pooling.js';

/** `model.json` of a model folder, as read (format 1). */
export interface ModelDescription {
  readonly format: 1;
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly language: string;
  readonly encoder: {
    readonly file: string;
    /** Names of the graph's outputs: `tap` float32 [batch, tokens, dimensions]; `detector` float32 [batch, tokens, labels] or null. */
    readonly outputs: { readonly tap: string; readonly detector: string | null };
    /** Files beside the graph that hold its weights; left out where the graph holds them itself. */
    readonly data?: readonly string[];
    /**
     * True where the graph takes scales over a whole batch (dynamic quantisation): a text's vectors then depend on its neighbours,
     * unless it runs alone, which is how such an encoder is run. Left out: false.
     */
    readonly batchDependent?: boolean;
  };
  /** Which tensor of which block (counted from 0) the tap is. */
  readonly tap: { readonly block: number; readonly tensor: string; readonly dimensions: number };
  readonly pooling: Pooling;
  /** The longest window, special tokens included. */
  readonly maximumTokens: number;
  readonly padding: { readonly id: number };
  readonly tokenizer: string;
  /** Projection head (.safetensors), or null: the tap is L2-normalised as it is. */
  readonly head: string | null;
  /** Columns of a projected vector. */
  readonly dimensions: number;
  readonly detector: { readonly labels: readonly ['O', 'B', 'I']; readonly threshold: number } | null;
  /** Where a type ends in a ranking by these vectors. Left out where nobody has measured it: then there is no estimate. */
  readonly cutOff?: CutOffConstants;
  readonly files: { readonly [name: string]: { readonly bytes: number; readonly sha256: string } };
}
