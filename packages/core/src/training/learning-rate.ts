/** The rate of a step, counted from 0: a straight rise during the warm-up, then half a cosine down to 0. */
export function learningRate(step: number, steps: number, highest: number, warmUp: number): number {
  const rising = Math.ceil(warmUp * steps);
  if (step < rising) return (highest * (step + 1)) / rising;
  return (highest * (1 + Math.cos((Math.PI * (step - rising)) / Math.max(1, steps - rising)))) / 2;
}
