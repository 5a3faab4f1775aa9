import { type Block, type Tap, type TapKind, tapKinds } from '../model/blocks/tap.js';

/** A sub-layer of a block whose size is known. */
export interface StudyTap {
  readonly block: number;
  readonly kind: TapKind;
  readonly tap: Tap;
  readonly dimensions: number;
}

/** Every sub-layer of every block whose size the graph tells. */
export function studyTaps(blocks: readonly Block[]): StudyTap[] {
  return blocks.flatMap(({ index: block, taps }) =>
    tapKinds.flatMap((kind) => {
      const tap = taps[kind];
      return tap?.dimensions == null ? [] : [{ block, kind, tap, dimensions: tap.dimensions }];
    }),
  );
}
