import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openGliner } from '../../../packages/core/dist/detection/gliner.js';

interface GoldenMention {
  readonly start: number;
  readonly end: number;
  readonly score: number;
}

interface Golden {
  readonly long: { readonly text: string; readonly labels: readonly string[]; readonly flat: readonly GoldenMention[] };
  readonly models: Readonly<
    Record<
      string,
      readonly {
        readonly labels: readonly string[];
        readonly texts: readonly {
          readonly text: string;
          readonly flat: readonly GoldenMention[];
          readonly nested: readonly GoldenMention[];
        }[];
      }[]
    >
  >;
}

const golden: Golden = JSON.parse(readFileSync(new URL('gliner.json', import.meta.url), 'utf8'));
const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/detectors/${name}`, import.meta.url));
const byPlace = (a: GoldenMention, b: GoldenMention) => a.start - b.start || b.end - a.end;

describe.each(Object.entries(golden.models))("%s-level model: the mentions of GLiNER's own code", (name, sets) => {
  describe.each(sets)('for $labels', ({ labels, texts }) => {
    test.each(['flat', 'nested'] as const)('%s', async (search) => {
      const detector = await openGliner(fixture(`gliner-${name}`), { labels, nested: search === 'nested', workers: 1 });
      const found = await detector.detect(texts.map(({ text }) => text));
      await detector.close();
      expect(texts.some((text) => text[search].length > 1)).toBe(true);
      for (const [i, { text, [search]: mentions }] of texts.entries()) {
        const expected = [...mentions].sort(byPlace).map(({ start, end, score }) => ({
          start,
          end,
          text: text.slice(start, end),
          score: expect.closeTo(score, 4),
        }));
        expect(found[i]).toEqual(expected);
      }
    });
  });
});

test('a text of several windows: every span from the window that shows it best', async () => {
  const { text, labels, flat } = golden.long;
  const detector = await openGliner(fixture('gliner-span'), { labels, workers: 1 });
  const [found] = await detector.detect([text]);
  await detector.close();
  expect(flat.length).toBeGreaterThan(10);
  expect(found?.map(({ start, end }) => [start, end])).toEqual(flat.map(({ start, end }) => [start, end]));
  for (const [i, { score }] of flat.entries()) expect(found?.[i]?.score).toBeCloseTo(score, 4);
});
