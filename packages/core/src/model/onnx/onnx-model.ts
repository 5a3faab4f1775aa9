/** A tensor of a graph whose values stay where they lie: a 16 GB model is known by its names, shapes and places. */
export interface OnnxTensor {
  readonly name: string;
  /** ONNX's number of the element type, see `elementType`. */
  readonly dataType: number;
  readonly dimensions: readonly number[];
  /** The whole TensorProto in the graph file: [begin, end). */
  readonly begin: number;
  readonly end: number;
  /** Where the values are; null where they stand in a typed field (`int64_data` …) of the TensorProto. */
  readonly data: TensorData | null;
}

/** Raw little-endian values: in the graph file, or in a file beside it. */
export interface TensorData {
  /** As the graph names it; null: the graph file itself. */
  readonly location: string | null;
  readonly offset: number;
  readonly length: number;
}

export type AttributeValue =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { readonly tensor: OnnxTensor }
  | { readonly graphs: readonly OnnxGraph[] };

export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  /** "" for ONNX's own operators. */
  readonly domain: string;
  /** "" where an optional input is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  /** Where the node stands in the source program, as its exporter tells it: PyTorch's module scopes, or the node's own name. */
  readonly scope: string;
  /** The NodeProto: itself, or where it lies in the graph file, [begin, end). */
  readonly bytes: Uint8Array | { readonly begin: number; readonly end: number };
}

/** A graph's input or output. */
export interface OnnxValue {
  readonly name: string;
  readonly dataType: number;
  /** A number, a name, or "" where nothing is said; null where the rank is not known. */
  readonly shape: readonly (number | string)[] | null;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  /** Without those that only name an initializer. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

export interface OnnxModel {
  readonly path: string;
  readonly irVersion: number;
  /** Version of each operator set: domain ("" for ONNX's own) -> version. */
  readonly operatorSets: ReadonlyMap<string, number>;
  readonly graph: OnnxGraph;
  /** The FunctionProto fields of the model, tags and all. */
  readonly functions: readonly Uint8Array[];
}
