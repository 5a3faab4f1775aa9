import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkOption, checkOptions } from './check-options.js';
import { Embedder } from './embedder.js';
import { NerRetrieverError } from './errors.js';
import type { LabelledCorpus } from './evaluation/labelled-corpus.js';
import { measure } from './evaluation/measure.js';
import { MentionRanking } from './evaluation/mention-ranking.js';
import { normaliseRows } from './evaluation/normalise-rows.js';
import { pairAuc } from './evaluation/pair-auc.js';
import { randomNumbers } from './evaluation/random-numbers.js';
import { rowsByName } from './evaluation/rows-by-name.js';
import { type TypePairs, typePairs } from './evaluation/type-pairs.js';
import type { Matrix } from './matrix.js';
import { findBlocks } from './model/blocks/find-blocks.js';
import { type ModelSourceOptions, openModelSource } from './model-source.js';
import { drawDocuments } from './study/draw-documents.js';
import { mentionTypes } from './study/mention-types.js';
import { type StudyCell, type StudyReport, studyPoolings } from './study/study-report.js';
import { studyTaps } from './study/study-tap.js';
import { type Columns, givenPoolings, VectorFile } from './study/vector-file.js';
import { writeModelFolder } from './write-model-folder.js';

export { type StudyCell, type StudyPooling, type StudyReport, studyPoolings } from './study/study-report.js';

export interface StudyProgress {
  readonly stage: 'cutting' | 'reading' | 'measuring';
  /** How much of the stage is done, 0 to 1. */
  readonly share: number;
}

export interface StudyOptions extends ModelSourceOptions {
  /** Documents that are drawn from the corpus. Default: 2000. */
  readonly documents?: number;
  /** Pairs of mentions of either kind. Default: 20000. */
  readonly pairs?: number;
  /** Of what is drawn. Default: 1. */
  readonly seed?: number;
  /** Encoder threads. */
  readonly workers?: number;
  readonly onProgress?: (progress: StudyProgress) => void;
}

/** Values of the vectors of documents that are read at once: 64 MiB. */
const VALUES_AT_ONCE = 2 ** 24;

/**
 * The paper's study on any uncut model: how much every sub-layer of every block knows of entity types, under every pooling. All
 * of them are read in one pass over the corpus; no head is in it.
 *
 *     const report = await study('model-folder', await readMulticoner2(['en-dev.conll']));
 *
 * @param source as for `prepareModel`
 * @throws NerRetrieverError those of `prepareModel`, and MODEL_BLOCK_MISSING where nothing in the graph attends
 */
export async function study(source: string, corpus: LabelledCorpus, options: StudyOptions = {}): Promise<StudyReport> {
  const started = performance.now();
  const { documents: wanted = 2000, pairs: count = 20_000, seed = 1, workers, signal, onProgress } = options;
  checkStudyOptions(options);
  const random = randomNumbers(seed);
  const drawn = drawDocuments(corpus.documents, wanted, random);
  const directory = await mkdtemp(join(tmpdir(), 'ner-retriever-study-'));
  try {
    const opened = await openModelSource(source, options);
    const taps = studyTaps(findBlocks(opened.view));
    if (taps.length === 0) {
      const expected = 'a transformer, but nothing in the graph attends as one';
      throw new NerRetrieverError('MODEL_BLOCK_MISSING', {
        file: opened.folder.graph,
        block: 0,
        tap: 'sub-layer',
        expected,
      });
    }
    const model = join(directory, 'model');
    await writeModelFolder(
      opened,
      taps.map(({ tap }) => tap),
      {
        directory: model,
        name: `${opened.name}, every sub-layer`,
        block: 0,
        tensor: 'all',
        head: null,
        signal,
        onProgress: ({ writtenBytes, totalBytes }) =>
          onProgress?.({ stage: 'cutting', share: writtenBytes / totalBytes }),
      },
    );
    await using embedder = await Embedder.open(model, { ...(workers && { workers }), ...(signal && { signal }) });
    await using vectors = await VectorFile.create(join(directory, 'vectors'), taps);
    const queries = corpus.types.map(({ query }) => query);
    const shared = { raw: true, poolings: givenPoolings, ...(signal && { signal }) } as const;
    const typeRows = await embedder.embedTypes(queries, shared);
    const atOnce = Math.max(1, Math.floor(VALUES_AT_ONCE / (3 * typeRows.columns)));
    const owners: number[] = [];
    for (let first = 0; first < drawn.length; first += atOnce) {
      const some = drawn.slice(first, first + atOnce);
      const { matrix, documents } = await embedder.embedMentions(some, { ...shared, mentions: 'given' });
      await vectors.append(matrix.data);
      for (const [i, { rows }] of documents.entries()) for (let row = 0; row < rows; row++) owners.push(first + i);
      onProgress?.({ stage: 'reading', share: Math.min(1, (first + atOnce) / drawn.length) });
    }

    const types = mentionTypes(drawn, corpus);
    const pairs = typePairs(types, count, random);
    const cells: StudyCell[] = [];
    for (const [place, { block, kind }] of taps.entries()) {
      for (const pooling of studyPoolings) {
        signal?.throwIfAborted();
        const rows = normaliseRows(await vectors.read(place, pooling));
        const queryRows = partOf(typeRows, vectors.columnsOf(place, pooling));
        const ranking = new MentionRanking('retriever', rows.columns, rowsByName(queries, normaliseRows(queryRows)));
        await ranking.add(rows, owners);
        const { systems } = await measure({ ...corpus, documents: drawn }, [ranking]);
        const rPrecision = systems[0]?.macro ?? null;
        cells.push({ block, tap: kind, pooling, dimensions: rows.columns, auc: aucOf(rows, pairs), rPrecision });
      }
      onProgress?.({ stage: 'measuring', share: (place + 1) / taps.length });
    }
    return {
      source: opened.name,
      dataset: corpus.name,
      documents: drawn.length,
      totalDocuments: corpus.documents.length,
      mentions: owners.length,
      types: new Set(types.flat()).size,
      pairs: Math.min(pairs.same.length, pairs.different.length),
      seed,
      cells,
      elapsedMs: performance.now() - started,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function checkStudyOptions(options: StudyOptions): void {
  const known = ['documents', 'pairs', 'seed', 'workers', 'dtype', 'revision', 'signal', 'onDownload', 'onProgress'];
  checkOptions('study', options, known);
  for (const name of ['documents', 'pairs', 'seed', 'workers'] as const) {
    const value = options[name];
    checkOption(
      value === undefined || (Number.isSafeInteger(value) && value >= 1),
      name,
      'a whole number from 1',
      value,
    );
  }
}

/** Cosines of pairs: rows are of length one. Pairs with a row that could not be embedded are left out. */
function aucOf({ columns, data }: Matrix, { same, different }: TypePairs): number | null {
  const cosine = ([one, other]: readonly [number, number]) => {
    let sum = 0;
    for (let i = 0; i < columns; i++)
      sum += (data[one * columns + i] as number) * (data[other * columns + i] as number);
    return sum;
  };
  const scores = (pairs: TypePairs['same']) => pairs.map(cosine).filter((score) => !Number.isNaN(score));
  return pairAuc(scores(same), scores(different));
}

function partOf({ rows, columns, data }: Matrix, parts: Columns): Matrix {
  const width = parts.reduce((sum, [begin, end]) => sum + end - begin, 0);
  const part = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    let at = row * width;
    for (const [begin, end] of parts) {
      part.set(data.subarray(row * columns + begin, row * columns + end), at);
      at += end - begin;
    }
  }
  return { rows, columns: width, data: part };
}
