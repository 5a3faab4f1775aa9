import type { GraphView } from '../onnx/graph-view.js';
import type { OnnxNode } from '../onnx/onnx-model.js';
import type { LinearTrace } from './trace-linear.js';

/** An axis of a tensor that comes from a linear layer: batch and tokens lead, the others count through the layer's columns. */
type Axis = 'lead' | { readonly size: number; readonly stride: number };

/** The layer's columns that a tensor holds: `offset` + the sum of index × stride over its axes. */
interface Layout {
  readonly axes: readonly Axis[];
  readonly offset: number;
}

/**
 * Which columns of a linear layer a value holds, where one layer makes queries, keys and values: the way from the layer is
 * followed through reshapes and transpositions to the first operator that selects. Undefined where the way is not understood.
 */
export function packedColumns(view: GraphView, { linear, path }: LinearTrace): number[] | undefined {
  if (linear.columns === null) return undefined;
  const rank = linear.node.opType === 'Gemm' || linear.node.opType === 'FusedGemm' ? 2 : 3;
  const lead: Axis[] = new Array(rank - 1).fill('lead');
  let layout: Layout = { axes: [...lead, { size: linear.columns, stride: 1 }], offset: 0 };
  const layouts = new Map([[linear.output, layout]]);
  const numbers = (value: string) => numbersOf(view, value, layouts);
  for (const { node, output } of path) {
    const selected = select(numbers, node, layout, output);
    if (selected !== undefined) return columnsOf(selected);
    const next = rearrange(view, node, layout, linear.columns);
    if (next === undefined) return undefined;
    layout = next;
    layouts.set(output, layout);
  }
  return undefined;
}

function columnsOf({ axes, offset }: Layout): number[] {
  let columns = [offset];
  for (const axis of axes) {
    if (axis === 'lead') continue;
    columns = columns.flatMap((column) => Array.from({ length: axis.size }, (_, i) => column + i * axis.stride));
  }
  return columns.sort((one, other) => one - other);
}

/** The layout behind an operator that takes a part of the columns; undefined where the operator is none or takes all. */
function select(numbers: Numbers, node: OnnxNode, layout: Layout, output: string): Layout | undefined {
  const part = selection(numbers, node, layout, output);
  if (part === undefined) return undefined;
  const place = part.axis < 0 ? part.axis + layout.axes.length : part.axis;
  const axis = layout.axes[place];
  if (axis === undefined || axis === 'lead') return undefined;
  const begin = part.begin < 0 ? part.begin + axis.size : part.begin;
  const end = Math.min(part.end < 0 ? part.end + axis.size : part.end, axis.size);
  // Also where a border is not known: NaN is below nothing.
  if (!(begin < end) || end - begin === axis.size) return undefined;
  return {
    axes: layout.axes.map((each, i) => (i === place ? { size: end - begin, stride: axis.stride } : each)),
    offset: layout.offset + begin * axis.stride,
  };
}

interface Selection {
  readonly axis: number;
  readonly begin: number;
  readonly end: number;
}

/** The numbers of a constant, or of what is computed from the sizes of a known layout; null where they cannot be told. */
type Numbers = (value: string) => readonly number[] | null;

function selection(numbersOf: Numbers, node: OnnxNode, layout: Layout, output: string): Selection | undefined {
  const numbers = (input: number) => (node.inputs[input] ? numbersOf(node.inputs[input] as string) : null);
  const attribute = (name: string) => {
    const value = node.attributes.get(name);
    return typeof value === 'number' ? [value] : Array.isArray(value) ? (value as readonly number[]) : null;
  };
  switch (node.opType) {
    case 'Split': {
      const axis = attribute('axis')?.[0] ?? 0;
      const part = node.outputs.indexOf(output);
      const whole = layout.axes[axis < 0 ? axis + layout.axes.length : axis];
      if (part < 0 || whole === undefined || whole === 'lead') return undefined;
      const even = Math.ceil(whole.size / node.outputs.length);
      const sizes = numbers(1) ?? attribute('split') ?? node.outputs.map(() => even);
      const begin = sizes.slice(0, part).reduce((sum, size) => sum + size, 0);
      return { axis, begin, end: begin + (sizes[part] as number) };
    }
    case 'Slice': {
      const starts = numbers(1) ?? attribute('starts');
      const ends = numbers(2) ?? attribute('ends');
      const axes = numbers(3) ?? attribute('axes') ?? [0];
      const steps = numbers(4) ?? [1];
      if (starts?.length !== 1 || ends?.length !== 1 || axes.length !== 1 || steps[0] !== 1) return undefined;
      return { axis: axes[0] as number, begin: starts[0] as number, end: ends[0] as number };
    }
    case 'Gather': {
      const axis = attribute('axis')?.[0] ?? 0;
      const indices = numbers(1);
      if (indices?.length !== 1) return undefined;
      const size = layout.axes[axis < 0 ? axis + layout.axes.length : axis];
      if (size === undefined || size === 'lead') return undefined;
      const index = (indices[0] as number) < 0 ? (indices[0] as number) + size.size : (indices[0] as number);
      return { axis, begin: index, end: index + 1 };
    }
    default:
      return undefined;
  }
}

/** Exporters compute the borders of equal parts from the shape of what is parted: (size + 2) / 3 × 1, and so on. */
function numbersOf(view: GraphView, value: string, layouts: ReadonlyMap<string, Layout>): readonly number[] | null {
  const known = view.numbers(value);
  if (known !== null) return known;
  const node = view.producer(value);
  if (node === undefined) return null;
  const operand = (place: number) => numbersOf(view, node.inputs[place] as string, layouts);
  switch (node.opType) {
    case 'Cast':
    case 'Identity':
    case 'Squeeze':
    case 'Unsqueeze':
    case 'Reshape':
      return operand(0);
    case 'Shape': {
      const layout = layouts.get(node.inputs[0] as string);
      // Batch and tokens are not known, and no border depends on them.
      return layout === undefined ? null : layout.axes.map((axis) => (axis === 'lead' ? Number.NaN : axis.size));
    }
    case 'Gather': {
      const [from, places] = [operand(0), operand(1)];
      return from === null ? null : (places?.map((place) => from.at(place) ?? Number.NaN) ?? null);
    }
    case 'Add':
    case 'Sub':
    case 'Mul':
    case 'Div': {
      const [ones, others] = [operand(0), operand(1)];
      const compute = arithmetic[node.opType];
      return ones?.length === 1 && others?.length === 1 ? [compute(ones[0] as number, others[0] as number)] : null;
    }
    default:
      return null;
  }
}

const arithmetic = {
  Add: (one: number, other: number) => one + other,
  Sub: (one: number, other: number) => one - other,
  Mul: (one: number, other: number) => one * other,
  Div: (one: number, other: number) => Math.trunc(one / other),
};

/** The layout behind an operator that only moves values; undefined where the operator is not understood. */
function rearrange(view: GraphView, node: OnnxNode, layout: Layout, columns: number): Layout | undefined {
  switch (node.opType) {
    case 'Identity':
    case 'Cast':
    case 'QuantizeLinear':
    case 'DequantizeLinear':
      return layout;
    case 'Transpose': {
      const order = node.attributes.get('perm');
      if (!Array.isArray(order) || order.length !== layout.axes.length) return undefined;
      return { ...layout, axes: order.map((place) => layout.axes[place as number] as Axis) };
    }
    case 'Reshape':
      return reshape(view, node, layout, columns);
    default:
      return undefined;
  }
}

/** Only a layout as it comes from the layer is reshaped: batch and tokens in front, the columns behind in their order. */
function reshape(view: GraphView, node: OnnxNode, { axes, offset }: Layout, columns: number): Layout | undefined {
  const leading = axes.filter((axis) => axis === 'lead').length;
  const inOrder = axes.every((axis, i) => (axis === 'lead') === i < leading);
  if (!inOrder || offset !== 0) return undefined;
  const sizes = shapeOf(view, node.inputs[1] as string);
  if (sizes === undefined) return undefined;
  for (const lead of [2, 1]) {
    const behind = sizes.slice(lead);
    const known = behind.reduce<number>((product, size) => product * (size ?? 1), 1);
    const unknown = behind.filter((size) => size === null).length;
    if (behind.length === 0 || unknown > 1 || columns % known !== 0 || (unknown === 0 && known !== columns)) continue;
    const whole = behind.map((size) => size ?? columns / known);
    const strides = whole.map((_, i) => whole.slice(i + 1).reduce((product, size) => product * size, 1));
    const behindAxes = whole.map((size, i): Axis => ({ size, stride: strides[i] as number }));
    return { axes: [...new Array<Axis>(lead).fill('lead'), ...behindAxes], offset };
  }
  return undefined;
}

/** The sizes that a reshape asks for; null for those that depend on the text or are left to be computed. */
function shapeOf(view: GraphView, value: string): (number | null)[] | undefined {
  const known = (size: number) => (size > 0 ? size : null);
  const numbers = view.numbers(value);
  if (numbers !== null) return numbers.map(known);
  const node = view.producer(value);
  if (node?.opType !== 'Concat') return undefined;
  return node.inputs.flatMap((input) => {
    const part = view.numbers(unwrapped(view, input));
    return part === null ? [null] : part.map(known);
  });
}

/** A number that was made a vector of one. */
function unwrapped(view: GraphView, value: string): string {
  const node = view.producer(value);
  const wraps = node?.opType === 'Unsqueeze' || node?.opType === 'Reshape';
  return wraps ? (node.inputs[0] as string) : value;
}
