import type { Span } from './mention.js';

/** The spans in their own order, exact repeats once. They may nest and overlap. */
export function distinctSpans<Some extends Span>(spans: readonly Some[]): readonly Some[] {
  if (spans.length < 2) return spans;
  const seen = new Set<string>();
  return spans.filter(({ start, end }) => {
    const key = `${start},${end}`;
    return !seen.has(key) && seen.add(key);
  });
}
