import { fileURLToPath } from 'node:url';
import { Embedder } from '@ner-retriever/core';
import { evaluate, readMulticoner2 } from '@ner-retriever/core/evaluation';
import { expect, test } from 'vitest';
import { measure } from './measure.js';
import { MentionRanking } from './mention-ranking.js';

const tinyModel = fileURLToPath(new URL('../../../../test/fixtures/tiny-model', import.meta.url));
const excerpt = fileURLToPath(new URL('./fixtures/multiconer2-en-excerpt.conll', import.meta.url));

test('what is measured is what the embedder gives: projecting the tap afterwards changes nothing', async () => {
  await using embedder = await Embedder.open(tinyModel, { workers: 1 });
  const corpus = await readMulticoner2([excerpt]);
  const report = await evaluate(corpus, embedder);

  const queries = corpus.types.map(({ query }) => query);
  const types = await embedder.embedTypes(queries);
  const ranking = new MentionRanking(
    'retriever',
    types.columns,
    new Map(queries.map((query, row) => [query, types.data.slice(row * types.columns, (row + 1) * types.columns)])),
    embedder.model.description.cutOff,
  );
  const { matrix, documents } = await embedder.embedMentions(corpus.documents, { mentions: 'given' });
  await ranking.add(
    matrix,
    documents.flatMap(({ rows }, position) => Array<number>(rows).fill(position)),
  );
  const { systems } = await measure(corpus, [ranking]);
  expect(report.systems[0]).toEqual(systems[0]);
});
