/** The sub-layers of a block whose output can be the tap. */
export const tapKinds = ['query', 'key', 'value', 'attention', 'mlp', 'hidden'] as const;

export type TapKind = (typeof tapKinds)[number];

/** What a tap reads: a tensor of the graph, and what is done to it until it is [batch, tokens, dimensions]. */
export interface Tap {
  readonly tensor: string;
  /** Weights of the operator that has the projection within itself: x × weight + bias. */
  readonly projection?: { readonly weight: string; readonly bias: string | null };
  /** Another tensor of the graph that is added. */
  readonly addend?: string;
  /** The columns that are kept, in order; left out: all. */
  readonly columns?: readonly number[];
  /** Columns of the tap; null where the graph does not say. */
  readonly dimensions: number | null;
}

/** One block of a transformer, as far as its graph shows its sub-layers. */
export interface Block {
  /** Counted from 0. */
  readonly index: number;
  /** Where its value projection stands in the source program, as far as the graph tells. */
  readonly scope: string;
  readonly taps: { readonly [kind in TapKind]?: Tap };
}
