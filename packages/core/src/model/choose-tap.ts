import { NerRetrieverError } from '../errors.js';
import { findBlocks } from './blocks/find-blocks.js';
import { linearAt } from './blocks/linear.js';
import type { Tap, TapKind } from './blocks/tap.js';
import type { GraphView } from './onnx/graph-view.js';

/** Which tensor is read: a sub-layer of a block, or a tensor by its name. */
export interface TapChoice {
  readonly block: number;
  readonly kind: TapKind;
  readonly tensor?: string | undefined;
}

/** @throws NerRetrieverError MODEL_BLOCK_MISSING, MODEL_TAP_AMBIGUOUS, MODEL_TENSOR_MISSING. */
export function chooseTap(view: GraphView, file: string, { block, kind, tensor }: TapChoice): Tap {
  if (tensor !== undefined) {
    const producer = view.producer(tensor);
    if (producer === undefined)
      throw new NerRetrieverError('MODEL_TENSOR_MISSING', { file, tensor, nearest: similar(view, tensor) });
    return { tensor, dimensions: linearAt(view, tensor)?.columns ?? null };
  }
  const blocks = findBlocks(view);
  const missing = (expected: string) =>
    new NerRetrieverError('MODEL_BLOCK_MISSING', { file, block, tap: kind, expected });
  if (blocks.length === 0) throw missing('a transformer, but nothing in the graph attends as one');
  const numbered = blocks.filter(({ index }) => index === block);
  if (numbered.length === 0) throw missing(`a block from 0 to ${Math.max(...blocks.map(({ index }) => index))}`);
  const taps = numbered.flatMap(({ taps }) => taps[kind] ?? []);
  if (taps.length > 1) {
    throw new NerRetrieverError('MODEL_TAP_AMBIGUOUS', {
      file,
      block,
      tap: kind,
      candidates: taps.map(({ tensor }) => tensor),
    });
  }
  const [tap] = taps;
  if (tap === undefined)
    throw missing(`one of ${Object.keys(numbered[0]?.taps ?? {}).join(', ') || 'no sub-layers'} there`);
  return tap;
}

/** A tensor whose name holds the given one, for the message. */
function similar(view: GraphView, name: string): string | undefined {
  return view.graph.nodes.flatMap(({ outputs }) => outputs).find((output) => output.includes(name));
}
