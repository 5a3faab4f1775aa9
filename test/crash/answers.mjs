import { madeVectors } from './made-documents.mjs';
import { seededRandom } from './random.mjs';
import { IndexFolder, parseWhere, Searcher } from './storage.mjs';

/** What every kind of question to an index gives: JSON by kind, or the error that was thrown. */
export async function answersOf(directory, ids, { hasApproximate }) {
  let folder;
  try {
    folder = await IndexFolder.open(directory);
  } catch (error) {
    return { open: error };
  }
  const columns = folder.manifest.dimensions;
  const searcher = new Searcher(folder);
  const data = madeVectors(seededRandom(7), 2, columns);
  const one = data.subarray(0, columns);
  const where = parseWhere({ lang: { $in: ['de', 'fr'] } });
  const search = (limit, options) => searcher.search({ rows: 2, columns, data }, limit, options);
  const words = () => collect(searcher.searchAllHybrid('dinosaur river', { rows: 1, columns, data: one }));
  const questions = {
    open: async () => 'opened',
    search: () => search(5, { evidence: 3 }),
    ranking: () => collect(searcher.searchAll(one)),
    where: () => search(5, { where }),
    approximate: async () => scores(await search(5, hasApproximate ? { approximate: {} } : {})),
    // The order is the full text's, which says nothing of itself.
    hybrid: async () => (await words()).map(({ score, ...hit }) => hit).sort((a, b) => (a.id < b.id ? -1 : 1)),
    get: async () => ids.map((id) => folder.get(id)),
  };
  const answers = {};
  for (const [kind, question] of Object.entries(questions)) {
    try {
      answers[kind] = JSON.stringify(await question());
    } catch (error) {
      answers[kind] = error;
    }
  }
  folder.close();
  return answers;
}

/** Of equal documents an approximate index may know any. */
const scores = (results) => results.map(({ hits }) => hits.map(({ score }) => score));

async function collect(values) {
  const all = [];
  for await (const value of values) all.push(value);
  return all;
}
