import { NerRetrieverError } from '../../errors.js';
import { elementType, elementTypes } from '../onnx/element-type.js';
import type { OnnxNode, OnnxValue } from '../onnx/onnx-model.js';
import { ProtobufWriter } from '../onnx/protobuf-writer.js';
import { newNode } from './new-node.js';
import { newIntegers } from './new-tensor.js';

/** What the cut graph takes, whatever its source took: both int64 [batch, tokens]. */
export const tokenInput = 'input_ids';
export const maskInput = 'attention_mask';

/** What the cache of an input's block is shaped like, where the graph itself does not say. */
export interface CacheShape {
  readonly heads: number | null;
  readonly width: number | null;
}

/** Nodes and small tensors that make the source graph's inputs out of the two inputs of the cut one. */
export interface StandIns {
  readonly nodes: readonly OnnxNode[];
  readonly tensors: readonly Uint8Array[];
  /** Inputs that the cut graph has under the same name with another type: the source's nodes take these values instead. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** Names of this project's own values, which no exporter uses. */
export const own = (name: string) => `ner_retriever/${name}`;

/**
 * Stand-ins for the inputs that the cut graph still needs: positions counted from the mask, token types of zero, a cache that is
 * empty. Texts are padded behind, so a text's first token always has position 0.
 *
 * @throws NerRetrieverError MODEL_INPUT_UNKNOWN where an input is none that a text gives.
 */
export function standIns(file: string, inputs: readonly OnnxValue[], tokens: string, cache: CacheShape): StandIns {
  const nodes: OnnxNode[] = [];
  const tensors: Uint8Array[] = [];
  const renamed = new Map<string, string>();
  const shape = own('shape');
  const shapeOfTokens = () => {
    if (!nodes.some(({ name }) => name === shape)) nodes.push(newNode('Shape', [tokenInput], shape));
    return shape;
  };

  for (const input of inputs) {
    if (input.name === tokens) cast(input, tokenInput);
    else if (/(^|_)attention_mask$/.test(input.name) && rankOf(input) === 2) cast(input, maskInput);
    else if (/^(token_type_ids|segment_ids)$/.test(input.name)) nodes.push(zeros(shapeOfTokens(), input));
    else if (/^position_ids$/.test(input.name) && rankOf(input) === 2) {
      const [axis, one, counted] = [own('axis'), own('one'), own('counted')];
      tensors.push(newIntegers(axis, [1]), newIntegers(one, [1]));
      nodes.push(newNode('CumSum', [maskInput, axis], counted), newNode('Sub', [counted, one], own('positions')));
      cast(input, own('positions'));
    } else if (/past|cache/.test(input.name) && rankOf(input) >= 3) emptyCache(input);
    else throw unknown(input);
  }
  return { nodes, tensors, renamed };

  /** Gives a value under an input's name, in the input's type. */
  function cast(input: OnnxValue, from: string): void {
    if (input.name === from && input.dataType === elementTypes.int64.code) return;
    const name = input.name === tokenInput || input.name === maskInput ? own(input.name) : input.name;
    if (name !== input.name) renamed.set(input.name, name);
    nodes.push(newNode('Cast', [from], name, { to: input.dataType }));
  }

  function emptyCache(input: OnnxValue): void {
    const sizes = cacheSizes(input, cache);
    if (sizes === null) throw unknown(input);
    const place = sizes.indexOf('batch');
    const before = sizes.slice(0, place) as number[];
    const behind = sizes.slice(place + 1) as number[];
    const name = own(input.name);
    const first = own('first');
    const batch = own('batch');
    if (!nodes.some((node) => node.name === batch)) {
      tensors.push(newIntegers(first, [0]));
      nodes.push(newNode('Gather', [shapeOfTokens(), first], batch, { axis: 0 }));
    }
    const parts = [batch];
    if (before.length > 0) {
      tensors.push(newIntegers(`${name}/before`, before));
      parts.unshift(`${name}/before`);
    }
    if (behind.length > 0) {
      tensors.push(newIntegers(`${name}/behind`, behind));
      parts.push(`${name}/behind`);
    }
    nodes.push(newNode('Concat', parts, `${name}/shape`, { axis: 0 }), zeros(`${name}/shape`, input));
  }

  function unknown(input: OnnxValue): NerRetrieverError {
    const type = elementType(input.dataType) ?? `type ${input.dataType}`;
    const received = `${input.name} (${type} [${input.shape?.join(', ') ?? 'of unknown rank'}])`;
    return new NerRetrieverError('MODEL_INPUT_UNKNOWN', { file, received });
  }
}

function rankOf({ shape }: OnnxValue): number {
  return shape?.length ?? 0;
}

/** Sizes of an empty cache: the batch's axis by name, the axis of tokens zero. Null where they cannot be told. */
function cacheSizes({ shape }: OnnxValue, { heads, width }: CacheShape): (number | 'batch')[] | null {
  const axes = shape as readonly (number | string)[];
  const sizes = axes.map((axis, place) => {
    if (typeof axis === 'number') return axis;
    if (/past|seq|len/i.test(axis)) return 0;
    if (/batch/i.test(axis) || place === 0) return 'batch';
    // [batch, heads, tokens, width]
    if (axes.length !== 4) return 0;
    return [null, heads, 0, width][place] ?? -1;
  });
  const whole = sizes.filter((size) => size === 'batch').length === 1 && sizes.includes(0) && !sizes.includes(-1);
  return whole ? sizes : null;
}

/** ConstantOfShape of an input's type, under the input's name. */
function zeros(shape: string, { name, dataType }: OnnxValue): OnnxNode {
  const bits = elementTypes[elementType(dataType) ?? 'float32'].bits;
  const tensor = new ProtobufWriter()
    .number(1, 1)
    .number(2, dataType)
    .bytes(9, new Uint8Array(bits / 8))
    .finish();
  const tensorType = 4;
  const value = new ProtobufWriter().text(1, 'value').bytes(5, tensor).number(20, tensorType).finish();
  const bytes = new ProtobufWriter()
    .text(1, shape)
    .text(2, name)
    .text(3, own(`${name}/zeros`))
    .text(4, 'ConstantOfShape')
    .bytes(5, value);
  return {
    name: own(`${name}/zeros`),
    opType: 'ConstantOfShape',
    domain: '',
    inputs: [shape],
    outputs: [name],
    attributes: new Map(),
    scope: '',
    bytes: bytes.finish(),
  };
}
