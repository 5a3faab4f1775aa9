/** Normal-ish numbers that are the same in every run: the sum of four uniform ones from a small generator. */
export function randomFloats(length, seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = uniform() + uniform() + uniform() + uniform();
  return values;
}
