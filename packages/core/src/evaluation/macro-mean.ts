/** Every type counts the same, however many documents it has; types without a value (null) do not count. Null when none has one. */
export function macroMean(values: Iterable<number | null>): number | null {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (value === null) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? null : sum / count;
}
