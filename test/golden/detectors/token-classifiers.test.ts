import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openTokenClassifier } from '../../../packages/core/dist/detection/token-classifier.js';

interface GoldenMention {
  readonly start: number;
  readonly end: number;
  readonly score: number;
}

interface Golden {
  readonly models: Readonly<
    Record<
      string,
      readonly { readonly text: string; readonly mentions: Readonly<Record<string, readonly GoldenMention[]>> }[]
    >
  >;
}

const golden: Golden = JSON.parse(readFileSync(new URL('token-classifiers.json', import.meta.url), 'utf8'));
const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/detectors/${name}`, import.meta.url));

const byPlace = (a: GoldenMention, b: GoldenMention) => a.start - b.start || b.end - a.end;

describe.each(Object.entries(golden.models))('%s: the mentions of transformers', (name, texts) => {
  test.each(['simple', 'first', 'average', 'max'] as const)('%s', async (aggregation) => {
    const detector = await openTokenClassifier(fixture(`${name}-token-classifier`), { aggregation, workers: 1 });
    const found = await detector.detect(texts.map(({ text }) => text));
    await detector.close();
    expect(texts.some(({ mentions }) => (mentions[aggregation]?.length ?? 0) > 3)).toBe(true);
    for (const [i, { text, mentions }] of texts.entries()) {
      const expected = [...(mentions[aggregation] ?? [])].sort(byPlace).map(({ start, end, score }) => ({
        start,
        end,
        text: text.slice(start, end),
        score: expect.closeTo(score, 4),
      }));
      expect(found[i]).toEqual(expected);
    }
  });
});
