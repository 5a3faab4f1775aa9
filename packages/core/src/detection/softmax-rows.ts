/** The probabilities of each row of logits, [rows, columns]. */
export function softmaxRows(logits: Float32Array, columns: number): Float32Array {
  const scores = new Float32Array(logits.length);
  for (let row = 0; row < logits.length; row += columns) {
    let highest = Number.NEGATIVE_INFINITY;
    for (let i = row; i < row + columns; i++) highest = Math.max(highest, logits[i] as number);
    let sum = 0;
    for (let i = row; i < row + columns; i++) sum += scores[i] = Math.exp((logits[i] as number) - highest);
    for (let i = row; i < row + columns; i++) scores[i] = (scores[i] as number) / sum;
  }
  return scores;
}
