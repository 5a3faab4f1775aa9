import { expect, test } from 'vitest';
import { Bm25Ranking } from './bm25-ranking.js';
import { HybridRanking } from './hybrid-ranking.js';
import { MentionRanking } from './mention-ranking.js';

/** Unit vectors by their angles in degrees. */
const at = (...angles: number[]) => ({
  rows: angles.length,
  columns: 2,
  data: Float32Array.from(
    angles.flatMap((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]),
  ),
});

test('what words find teaches the vectors what is like it', async () => {
  const vectors = new MentionRanking('retriever', 2, new Map([['volcano', at(0).data]]));
  // The words find document 0 alone; 2 lies beside it, and 1 as far from the description on the other side.
  await vectors.add(at(40, -50, 50), [0, 1, 2]);
  const texts = ['a volcano', 'a river', 'a mountain that smokes'];
  const words = new Bm25Ranking(texts.map((text) => ({ id: text, text, mentions: [] })));
  expect(await vectors.best('volcano', 3)).toEqual([0, 1, 2]);
  const hybrid = new HybridRanking(vectors, words);
  expect(await hybrid.best('volcano', 3)).toEqual([0, 2, 1]);
  expect(await hybrid.best('volcano', 1)).toEqual([0]);
  words.close();
});

test('where no text has a word of it, it ranks as the vectors do', async () => {
  const vectors = new MentionRanking('retriever', 2, new Map([['volcano', at(0).data]]));
  await vectors.add(at(40, -50, 60), [0, 1, 2]);
  const words = new Bm25Ranking([{ id: 'a', text: 'a river', mentions: [] }]);
  expect(await new HybridRanking(vectors, words).best('volcano', 3)).toEqual([0, 1, 2]);
  words.close();
});

test('documents without a mention teach nothing and are found by their words', async () => {
  const vectors = new MentionRanking('retriever', 2, new Map([['volcano', at(0).data]]));
  const words = new Bm25Ranking([{ id: 'a', text: 'a volcano', mentions: [] }]);
  expect(await new HybridRanking(vectors, words).best('volcano', 3)).toEqual([0]);
  await vectors.add(at(40, -50), [1, 2]);
  // 1 and 0 are the first of one ranking each.
  expect(await new HybridRanking(vectors, words).best('volcano', 3)).toEqual([1, 0, 2]);
  words.close();
});
