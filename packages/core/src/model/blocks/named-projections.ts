import type { GraphView } from '../onnx/graph-view.js';
import { linearOf } from './linear.js';
import { numberInScope } from './number-in-scope.js';
import type { Block, Tap } from './tap.js';

/** What projections are called in the modules of the common families. */
const names: readonly { readonly kind: 'query' | 'key' | 'value'; readonly pattern: RegExp }[] = [
  { kind: 'query', pattern: /[./'](q_proj|query|q_lin|query_proj|wq|q)(?=[./'])/ },
  { kind: 'key', pattern: /[./'](k_proj|key|k_lin|key_proj|wk|k)(?=[./'])/ },
  { kind: 'value', pattern: /[./'](v_proj|value|v_lin|value_proj|wv|v)(?=[./'])/ },
];

/** Query, key and value projections by the names that exporters keep: for graphs that attend in a way that is not known. */
export function namedProjections(view: GraphView): Block[] {
  const blocks = new Map<number, Block>();
  for (const node of view.graph.nodes) {
    const index = numberInScope(node.scope);
    const kind = names.find(({ pattern }) => pattern.test(node.scope))?.kind;
    const linear = index === undefined || kind === undefined ? undefined : linearOf(view, node);
    if (index === undefined || kind === undefined || linear === undefined) continue;
    const tap: Tap = { tensor: linear.output, dimensions: linear.columns };
    const block = blocks.get(index) ?? { index, scope: node.scope, taps: {} };
    blocks.set(index, { ...block, taps: { ...block.taps, [kind]: tap } });
  }
  return [...blocks.values()].sort((one, other) => one.index - other.index);
}
