import { VectorIndex } from '../../dist/index.js';
import { randomFloats } from '../random-floats.mjs';

/** Starts an add and a search that takes about half a second; does not wait for them. */
export async function startLongSearch() {
  const index = new VectorIndex({ dimensions: 128, threads: 1 });
  await index.add(randomFloats(20_000 * 128, 1));
  index.search(randomFloats(4000 * 128, 2), 1);
  index.add(randomFloats(128, 3));
}
