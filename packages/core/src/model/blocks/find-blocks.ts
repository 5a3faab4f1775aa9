import type { GraphView } from '../onnx/graph-view.js';
import { type Attention, findAttention } from './attention.js';
import { namedProjections } from './named-projections.js';
import { numberInScope } from './number-in-scope.js';
import { packedColumns } from './packed-columns.js';
import { findSublayers } from './sublayers.js';
import type { Block, Tap } from './tap.js';
import { traceLinear } from './trace-linear.js';

/**
 * The blocks of a transformer, found by their structure: a block is where the graph attends, its projections are the linear layers
 * behind that, its other sub-layers those that follow up to the residual sums. So every exporter's names will do. Where nothing
 * attends in a known way, the projections' names are all there is.
 */
export function findBlocks(view: GraphView): Block[] {
  const projected = findAttention(view).flatMap((attention) => {
    const projections = findProjections(view, attention);
    return projections === undefined ? [] : [{ attention, ...projections }];
  });
  if (projected.length === 0) return namedProjections(view);
  const numbers = projected.map(({ scope }) => numberInScope(scope));
  // Two stacks in one graph, or a block that attends twice, count as their exporter counts them.
  const told = numbers.every((number) => number !== undefined);
  return projected.map(({ attention, taps, input, scope }, place) => {
    const nextInput = projected[place + 1]?.input;
    const sublayers = findSublayers(view, attention.node, input, nextInput);
    return { index: told ? (numbers[place] as number) : place, scope, taps: { ...taps, ...sublayers } };
  });
}

/** Query, key and value of a block, and what their projections take. */
interface Projections {
  readonly taps: Pick<Block['taps'], 'query' | 'key' | 'value'>;
  readonly input: string;
  readonly scope: string;
}

function findProjections(view: GraphView, attention: Attention): Projections | undefined {
  if (attention.packing !== null) return packedProjections(view, attention);
  const query = traceLinear(view, attention.query);
  const key = traceLinear(view, attention.key as string);
  const value = traceLinear(view, attention.value as string);
  // A softmax over something else: a router, a classifier.
  if (query === undefined || key === undefined || value === undefined) return undefined;
  const traces = { query, key, value };
  const kinds = ['query', 'key', 'value'] as const;
  const tap = (kind: (typeof kinds)[number]): Tap | undefined => {
    const { linear } = traces[kind];
    const sharing = kinds.filter((other) => other !== kind && traces[other].linear.node === linear.node);
    if (sharing.length === 0) return { tensor: linear.output, dimensions: linear.columns };
    const columns = packedColumns(view, traces[kind]);
    if (columns === undefined) return undefined;
    // A part that others lie in as well is parted further on, in a way that is not followed.
    const taken = new Set(sharing.flatMap((other) => packedColumns(view, traces[other]) ?? []));
    if (columns.some((column) => taken.has(column))) return undefined;
    return { tensor: linear.output, columns, dimensions: columns.length };
  };
  const taps = { query: tap('query'), key: tap('key'), value: tap('value') };
  const { input, node } = value.linear;
  return { taps: biasedWithin(attention) ? {} : defined(taps), input, scope: node.scope };
}

function packedProjections(view: GraphView, { node, query, packing }: Attention): Projections | undefined {
  if (packing === null) return undefined;
  const { shares, projection } = packing;
  const trace = projection === null ? traceLinear(view, query, 'layout') : undefined;
  const tensor = projection === null ? trace?.linear.output : query;
  const width =
    projection === null
      ? trace?.linear.columns
      : (view.graph.initializers.get(projection.weight)?.dimensions[1] ?? null);
  if (tensor === undefined || typeof width !== 'number') return undefined;
  const tap = (begin: number, share: number): Tap => {
    const dimensions = Math.round(width * share);
    const columns = Array.from({ length: dimensions }, (_, i) => Math.round(width * begin) + i);
    return { tensor, columns, dimensions, ...(projection && { projection }) };
  };
  const taps = {
    query: tap(0, shares.query),
    key: tap(shares.query, shares.key),
    value: tap(shares.query + shares.key, shares.value),
  };
  return { taps, input: trace?.linear.input ?? query, scope: (trace?.linear.node ?? node).scope };
}

/** MultiHeadAttention may add the biases of its projections itself: then no tensor of the graph is a projection's output. */
function biasedWithin({ node }: Attention): boolean {
  return node.opType === 'MultiHeadAttention' && (node.inputs[3] ?? '') !== '';
}

function defined<T extends object>(values: { [key in keyof T]: T[key] | undefined }): { [key in keyof T]?: T[key] } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
