import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Embedder } from '@ner-retriever/core';

/** The vectors of a corpus' mentions, as the bundled model makes them: { data, dimensions }. */
export async function realVectors(file) {
  const bytes = readFileSync(file);
  const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').trimEnd().split('\n');
  await using embedder = await Embedder.open();
  const parts = [];
  for (let from = 0; from < lines.length; from += 500) {
    const { matrix } = await embedder.embedMentions(lines.slice(from, from + 500).map((line) => JSON.parse(line)));
    parts.push(matrix.data.slice());
    dimensions = matrix.columns;
  }
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { data, dimensions };
}

let dimensions = 0;

/**
 * As many vectors as wanted in the manner of real ones: each is one of them, moved a little in a direction of its own, and of length 1
 * again. Clusters, lengths and the spread of scores are those of the real ones; no two are equal.
 */
export class SyntheticVectors {
  #real;
  #dimensions;
  #noise = new Float32Array(1 << 20);
  #state;

  constructor({ data, dimensions }, seed = 1) {
    this.#real = data;
    this.#dimensions = dimensions;
    this.#state = seed;
    // Of about half the length of a vector in all.
    const scale = Math.sqrt(3) * (0.5 / Math.sqrt(dimensions));
    for (let index = 0; index < this.#noise.length; index++) this.#noise[index] = (this.#next() * 2 - 1) * scale;
  }

  /** The next `count` vectors: [count, dimensions]. */
  take(count) {
    const width = this.#dimensions;
    const out = new Float32Array(count * width);
    const rows = this.#real.length / width;
    for (let row = 0; row < count; row++) {
      const base = Math.floor(this.#next() * rows) * width;
      const shift = Math.floor(this.#next() * (this.#noise.length - width));
      let squares = 0;
      for (let column = 0; column < width; column++) {
        const value = this.#real[base + column] + this.#noise[shift + column];
        out[row * width + column] = value;
        squares += value * value;
      }
      const length = Math.sqrt(squares);
      for (let column = 0; column < width; column++) out[row * width + column] /= length;
    }
    return out;
  }

  /** mulberry32 */
  #next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
