import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { randomFloats } from '../test/random-floats.mjs';
import { FaissIndex, type FaissSearchParameters, type FaissSearchResult } from './faiss-index.js';
import { info } from './info.js';

interface Search {
  parameters: FaissSearchParameters;
  /** [queries, limit]; row -1 where there are no more. */
  rows: number[][];
  scores: number[][];
}
interface Golden {
  faiss: string;
  limit: number;
  queries: number[][];
  indexes: { file: string; factory: string; searches: Search[] }[];
}

const folder = fileURLToPath(new URL('../../../test/golden/faiss/', import.meta.url));
const golden = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8')) as Golden;
const available = info().faiss.available;

/** The same rows in the same order, where scores are apart from their neighbours'. */
function expectAnswers(found: FaissSearchResult, limit: number, expected: Search, about: string): void {
  for (const [query, scores] of expected.scores.entries()) {
    const rows = expected.rows[query] as number[];
    const count = rows.filter((row) => row >= 0).length;
    expect(found.counts[query], about).toBe(count);
    for (let place = 0; place < count; place++) {
      const score = scores[place] as number;
      expect(found.scores[query * limit + place], about).toBeCloseTo(score, 4);
      const near = scores.filter((other) => Math.abs(other - score) < 1e-4).length > 1;
      if (!near) expect(found.rows[query * limit + place], about).toBe(rows[place]);
    }
  }
}

describe.runIf(available)(`files of faiss-cpu ${golden.faiss}`, () => {
  const { limit } = golden;
  const queries = Float32Array.from(golden.queries.flat());

  test.each(golden.indexes)('$factory gives the same answers here', async ({ file, searches }) => {
    const index = await FaissIndex.read(join(folder, file));
    for (const search of searches) {
      const about = JSON.stringify(search.parameters);
      expectAnswers(await index.search(queries, limit, search.parameters), limit, search, about);
    }
  });

  test('an index by L2 is refused', async () => {
    const reading = FaissIndex.read(join(folder, 'l2.faiss'));
    await expect(reading).rejects.toThrow('expected an index by inner product (metric 0), got metric 1, L2');
  });
});

// An interpreter that has faiss-cpu: NER_RETRIEVER_PYTHON, or python3 where it has it.
const python = process.env.NER_RETRIEVER_PYTHON ?? 'python3';
const hasFaiss = spawnSync(python, ['-c', 'import faiss']).status === 0;

/** Opens a file of ours, says what it finds, and writes it again. */
const script = `
import faiss, json, numpy, sys
file, again, limit, nprobe, factor = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
index = faiss.read_index(file)
queries = numpy.fromfile(file + ".queries", numpy.float32).reshape(-1, index.d)
space = faiss.ParameterSpace()
if nprobe: space.set_index_parameter(index, "nprobe", nprobe)
if factor: space.set_index_parameter(index, "k_factor_rf", factor)
scores, rows = index.search(queries, limit)
faiss.write_index(index, again)
print(json.dumps({"scores": scores.tolist(), "rows": rows.tolist()}))
`;

describe.runIf(available && hasFaiss)(
  `files of ours in faiss-cpu (skipped without a python3 that has it; NER_RETRIEVER_PYTHON names one)`,
  () => {
    const temporary = mkdtempSync(join(tmpdir(), 'ner-retriever-faiss-files-'));
    afterAll(() => rmSync(temporary, { recursive: true }));

    test.each<[string, FaissSearchParameters]>([
      ['Flat', {}],
      ['SQ8', {}],
      ['HNSW8', {}],
      ['HNSW8,SQ8', {}],
      ['IVF8,Flat', { nprobe: 4 }],
      ['IVF8,SQ8', { nprobe: 4 }],
      ['IVF8,PQ8x4np,RFlat', { nprobe: 4, refineFactor: 8 }],
      ['IVF8,PQ8x4fs,RFlat', { nprobe: 4, refineFactor: 8 }],
      ['PQ8x4fs,RFlat', { refineFactor: 8 }],
      ['OPQ8,IVF8,PQ8x4fs,RFlat', { nprobe: 4, refineFactor: 8 }],
      ['RR16,HNSW8', {}],
    ])('%s: the same answers there, and from what it writes', async (factory, parameters) => {
      const dimensions = 16;
      const rows = randomFloats(400 * dimensions, 5);
      const queries = randomFloats(8 * dimensions, 6);
      const index = FaissIndex.create({ factory, dimensions, threads: 1 });
      if (!index.isTrained) await index.train(rows);
      await index.add(rows);
      const file = join(temporary, 'index.faiss');
      const again = join(temporary, 'again.faiss');
      await index.write(file);
      writeFileSync(`${file}.queries`, queries);

      const { nprobe = 0, refineFactor = 0 } = parameters;
      const ran = spawnSync(python, ['-c', script, file, again, '5', `${nprobe}`, `${refineFactor}`], {
        encoding: 'utf8',
        env: { ...process.env, OMP_NUM_THREADS: '1' },
      });
      expect(ran.stderr).toBe('');
      const there = JSON.parse(ran.stdout) as Search;
      expectAnswers(await index.search(queries, 5, parameters), 5, there, factory);
      // It keeps the parameters that it was searched with.
      expectAnswers(await (await FaissIndex.read(again)).search(queries, 5), 5, there, factory);
    });
  },
);
