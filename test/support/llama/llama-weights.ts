import { createHash } from 'node:crypto';
import { randomNumbers } from '../../../packages/core/dist/evaluation/random-numbers.js';
import { type LlamaShape, maximumTokens, rotaryBase } from './llama-shape.ts';

/** A weight whose values are made when they are asked for, the same each time: a model of 16 GB is never in memory. */
export interface LlamaWeight {
  readonly name: string;
  /** A matrix is [inputs, outputs]: rows times matrix. */
  readonly dimensions: readonly number[];
  /** The values in order, in pieces; a piece is valid until the next one. */
  pieces(): Iterable<Float32Array>;
}

const PIECE_VALUES = 2 ** 20;

/** All weights, by the names that ONNX Runtime GenAI's model builder gives them. */
export function llamaWeights(shape: LlamaShape): LlamaWeight[] {
  const { hidden, heads, keyValueHeads, headSize, intermediate, blocks, vocabulary, seed } = shape;
  /** Sums of as many products as there are inputs come out as large as the inputs. */
  const matrix = (name: string, inputs: number, outputs: number) =>
    randomWeight(seed, name, [inputs, outputs], 0, Math.sqrt(3 / inputs));
  const norm = (name: string) => randomWeight(seed, name, [hidden], 1, 0.5);
  const weights = [
    randomWeight(seed, 'model.embed_tokens.weight', [vocabulary, hidden], 0, Math.sqrt(3)),
    rotaryTable('cos_cache', Math.cos, headSize),
    rotaryTable('sin_cache', Math.sin, headSize),
  ];
  for (let block = 0; block < blocks; block++) {
    const layer = `model.layers.${block}`;
    weights.push(
      norm(`${layer}.input_layernorm.weight`),
      matrix(`${layer}.attn.q_proj.MatMul.weight`, hidden, heads * headSize),
      matrix(`${layer}.attn.k_proj.MatMul.weight`, hidden, keyValueHeads * headSize),
      matrix(`${layer}.attn.v_proj.MatMul.weight`, hidden, keyValueHeads * headSize),
      matrix(`${layer}.attn.o_proj.MatMul.weight`, heads * headSize, hidden),
      norm(`${layer}.post_attention_layernorm.weight`),
      matrix(`${layer}.mlp.gate_proj.MatMul.weight`, hidden, intermediate),
      matrix(`${layer}.mlp.up_proj.MatMul.weight`, hidden, intermediate),
      matrix(`${layer}.mlp.down_proj.MatMul.weight`, intermediate, hidden),
    );
  }
  weights.push(
    norm(`model.layers.${blocks}.final_norm_layernorm.weight`),
    matrix('lm_head.MatMul.weight', hidden, vocabulary),
  );
  return weights;
}

/** Values from `middle - reach` to `middle + reach`. */
function randomWeight(
  seed: number,
  name: string,
  dimensions: readonly number[],
  middle: number,
  reach: number,
): LlamaWeight {
  return {
    name,
    dimensions,
    *pieces() {
      const random = randomNumbers(createHash('sha256').update(`${seed} ${name}`).digest().readInt32LE());
      const piece = new Float32Array(PIECE_VALUES);
      for (let left = elements(dimensions); left > 0; left -= piece.length) {
        const filled = piece.subarray(0, Math.min(left, piece.length));
        for (let i = 0; i < filled.length; i++) filled[i] = middle + reach * (2 * random() - 1);
        yield filled;
      }
    },
  };
}

/** [positions, headSize / 2]: of each position the cosines or sines of its angles. */
function rotaryTable(name: string, of: (angle: number) => number, headSize: number): LlamaWeight {
  const half = headSize / 2;
  const dimensions = [maximumTokens, half];
  return {
    name,
    dimensions,
    *pieces() {
      yield Float32Array.from({ length: elements(dimensions) }, (_, i) =>
        of(Math.floor(i / half) / rotaryBase ** ((i % half) / half)),
      );
    },
  };
}

export function elements(dimensions: readonly number[]): number {
  return dimensions.reduce((product, size) => product * size, 1);
}
