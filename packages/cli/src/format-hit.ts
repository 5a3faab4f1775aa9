import type { Hit } from '@ner-retriever/core';
import { sanitise } from './terminal/sanitise.js';
import { snippet } from './terminal/snippet.js';
import type { Style } from './terminal/style.js';

/** A hit for people: rank, score with `digits` decimals, id, and for each mention that is shown the text around it, where it is marked. */
export function formatHit(rank: number, hit: Hit, digits: number, style: Style, columns: number): string {
  const head = `${String(rank).padStart(4)}  ${hit.score.toFixed(digits)}  ${style.bold(sanitise(hit.id))}`;
  const lines = (hit.mentions ?? [hit.mention]).map((shown) => {
    const { before, mention, after } = snippet(hit.document.text, shown, Math.max(40, columns - 14));
    const marked = style.colours ? style.bold(style.yellow(mention)) : `[[${mention}]]`;
    return `      ${before}${marked}${after}`;
  });
  return [head, ...lines].join('\n');
}
