import { beginToken, type LlamaShape, normEpsilon, rotaryBase } from './llama-shape.ts';
import { elements, type LlamaWeight, llamaWeights } from './llama-weights.ts';

/** A row a token. */
type Rows = readonly Float64Array[];

/** A Llama of `writeLlama` in float64 arithmetic, plainly: what its ONNX graph is compared with. */
export class Float64Llama {
  readonly #shape: LlamaShape;
  readonly #weights: ReadonlyMap<string, Float64Array>;

  constructor(shape: LlamaShape) {
    this.#shape = shape;
    this.#weights = new Map(llamaWeights(shape).map((weight) => [weight.name, valuesOf(weight, shape.dtype)]));
  }

  /** The value vectors of a text's UTF-8 bytes, behind that of the token that begins it: [1 + bytes, value dimensions]. */
  values(text: string, block: number): Rows {
    const { hidden } = this.#shape;
    const embeddings = this.#weight('model.embed_tokens.weight');
    let rows: Rows = [beginToken(this.#shape), ...Buffer.from(text)].map((id) =>
      embeddings.slice(id * hidden, (id + 1) * hidden),
    );
    for (let before = 0; before < block; before++) {
      const layer = `model.layers.${before}`;
      rows = sums(rows, this.#attend(layer, this.#normalised(rows, `${layer}.input_layernorm`)));
      rows = sums(rows, this.#mlp(layer, this.#normalised(rows, `${layer}.post_attention_layernorm`)));
    }
    const layer = `model.layers.${block}`;
    return this.#projected(this.#normalised(rows, `${layer}.input_layernorm`), `${layer}.attn.v_proj.MatMul`);
  }

  #attend(layer: string, normed: Rows): Rows {
    const { heads, keyValueHeads, headSize } = this.#shape;
    const turn = (row: Float64Array, position: number) => rotated(row, position, headSize);
    const queries = this.#projected(normed, `${layer}.attn.q_proj.MatMul`).map(turn);
    const keys = this.#projected(normed, `${layer}.attn.k_proj.MatMul`).map(turn);
    const values = this.#projected(normed, `${layer}.attn.v_proj.MatMul`);
    const attended = queries.map((query, token) => {
      const row = new Float64Array(heads * headSize);
      for (let head = 0; head < heads; head++) {
        // Several heads of queries share one of keys and values.
        const shared = Math.floor((head * keyValueHeads) / heads);
        const part = (whole: Float64Array, index: number) => whole.subarray(index * headSize, (index + 1) * headSize);
        const scores = keys
          .slice(0, token + 1)
          .map((key) => dot(part(query, head), part(key, shared)) / Math.sqrt(headSize));
        for (const [earlier, share] of softmax(scores).entries()) {
          const value = part(values[earlier] as Float64Array, shared);
          for (const [i, one] of value.entries()) (row[head * headSize + i] as number) += share * one;
        }
      }
      return row;
    });
    return this.#projected(attended, `${layer}.attn.o_proj.MatMul`);
  }

  #mlp(layer: string, normed: Rows): Rows {
    const gates = this.#projected(normed, `${layer}.mlp.gate_proj.MatMul`);
    const ups = this.#projected(normed, `${layer}.mlp.up_proj.MatMul`);
    const products = gates.map((gate, token) => gate.map((one, i) => silu(one) * (ups[token]?.[i] as number)));
    return this.#projected(products, `${layer}.mlp.down_proj.MatMul`);
  }

  #normalised(rows: Rows, name: string): Rows {
    const weight = this.#weight(`${name}.weight`);
    return rows.map((row) => {
      const scale = 1 / Math.sqrt(dot(row, row) / row.length + normEpsilon);
      return row.map((value, i) => value * scale * (weight[i] as number));
    });
  }

  #projected(rows: Rows, name: string): Rows {
    const weight = this.#weight(`${name}.weight`);
    return rows.map((row) => times(row, weight));
  }

  #weight(name: string): Float64Array {
    return this.#weights.get(name) as Float64Array;
  }
}

/** The projection head's Linear → SiLU → Linear, and L2. Weights are [outputs, inputs], as PyTorch has them. */
export function projectedInFloat64(
  row: Float64Array,
  layers: readonly { readonly weight: ArrayLike<number>; readonly bias: ArrayLike<number> }[],
): Float64Array {
  let values = row;
  for (const [place, { weight, bias }] of layers.entries()) {
    const inputs = place === 0 ? values : values.map(silu);
    values = Float64Array.from(bias, (start, output) =>
      inputs.reduce((sum, value, i) => sum + value * (weight[output * inputs.length + i] as number), start),
    );
  }
  const length = Math.sqrt(dot(values, values));
  return values.map((value) => value / length);
}

export function dot(one: Float64Array, other: Float64Array): number {
  return one.reduce((sum, value, i) => sum + value * (other[i] as number), 0);
}

/** The values as the file holds them. */
function valuesOf({ dimensions, pieces }: LlamaWeight, dtype: LlamaShape['dtype']): Float64Array {
  const values = new Float64Array(elements(dimensions));
  let filled = 0;
  for (const piece of pieces()) {
    values.set(dtype === 'float16' ? new Float16Array(piece) : piece, filled);
    filled += piece.length;
  }
  return values;
}

function sums(rows: Rows, others: Rows): Rows {
  return rows.map((row, token) => row.map((value, i) => value + (others[token]?.[i] as number)));
}

/** row [inputs] × matrix [inputs, outputs] */
function times(row: Float64Array, matrix: Float64Array): Float64Array {
  const outputs = matrix.length / row.length;
  const product = new Float64Array(outputs);
  for (let input = 0; input < row.length; input++) {
    const value = row[input] as number;
    for (let output = 0; output < outputs; output++)
      (product[output] as number) += value * (matrix[input * outputs + output] as number);
  }
  return product;
}

/** Turns the pair (i, i + headSize / 2) of each head by the position's angle. */
function rotated(row: Float64Array, position: number, headSize: number): Float64Array {
  const half = headSize / 2;
  return row.map((value, place) => {
    const within = place % headSize;
    const angle = position / rotaryBase ** ((within % half) / half);
    const other = row[within < half ? place + half : place - half] as number;
    return value * Math.cos(angle) + (within < half ? -other : other) * Math.sin(angle);
  });
}

function softmax(scores: readonly number[]): number[] {
  const highest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

function silu(value: number): number {
  return value / (1 + Math.exp(-value));
}
