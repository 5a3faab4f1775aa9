import { isDeepStrictEqual } from 'node:util';
import { madeVectors } from './made-documents.mjs';
import { IndexFolder, parseWhere, Searcher, verifyIndex } from './storage.mjs';

/**
 * Opens an index and holds all that it says against the states that it may be in: documents, searches, and its own verification.
 * Returns the place of the state that it is in; throws where it is in none.
 *
 * @param candidates ModelIndexes, the likeliest first
 */
export async function checkIndex(directory, candidates, random, { approximate = false } = {}) {
  const folder = await IndexFolder.open(directory);
  try {
    const stored = [...folder.catalog.documents()].map(({ document }) => JSON.stringify(document));
    const place = candidates.findIndex((model) => isDeepStrictEqual(model.documents(), stored));
    if (place < 0) {
      const sizes = candidates.map(({ size }) => size).join(', ');
      throw new Error(`the index has ${stored.length} documents, and is in none of the states of ${sizes} documents`);
    }
    await checkSearches(folder, candidates[place], random, approximate);
    const { whole, problems } = await verifyIndex(directory);
    if (!whole) throw new Error(`verify: ${JSON.stringify(problems)}`);
    return place;
  } finally {
    folder.close();
  }
}

async function checkSearches(folder, model, random, approximate) {
  const { dimensions } = folder.manifest;
  const searcher = new Searcher(folder);
  const query = madeVectors(random, 1, dimensions);
  const ranking = model.ranking(query);
  const search = async (limit, options) =>
    brief((await searcher.search({ rows: 1, columns: dimensions, data: query }, limit, options))[0].hits);

  equal('top 10', await search(10), ranking.slice(0, 10));
  equal('the whole ranking', brief(await collect(searcher.searchAll(query))), ranking);
  const where = parseWhere({ lang: 'de' });
  const german = model.ranking(query, ({ metadata }) => metadata.lang === 'de');
  equal('a filtered search', await search(20, { where }), german.slice(0, 20));
  // Of equal documents it may know any.
  const scores = (hits) => hits.map(({ score }) => score);
  if (approximate) {
    equal('an approximate search', scores(await search(10, { approximate: {} })), scores(ranking.slice(0, 10)));
  }
  const hybrid = await collect(
    searcher.searchAllHybrid('dinosaur river', { rows: 1, columns: dimensions, data: query }),
  );
  equal('the documents of a hybrid search', hybrid.map(({ id }) => id).sort(), ranking.map(({ id }) => id).sort());
  for (const id of [model.ids[0], 'nowhere']) equal(`document ${id}`, folder.get(id), model.document(id));
}

export const brief = (hits) => hits.map(({ id, score, mention }) => ({ id, score, start: mention.start }));

async function collect(values) {
  const all = [];
  for await (const value of values) all.push(value);
  return all;
}

function equal(what, received, expected) {
  if (isDeepStrictEqual(received, expected)) return;
  const short = (value) => JSON.stringify(value)?.slice(0, 300);
  throw new Error(`${what} is ${short(received)} where it must be ${short(expected)}`);
}
