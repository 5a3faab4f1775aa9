import { NerRetrieverError } from '../errors.js';
import { documentChunks } from '../evaluation/document-chunks.js';
import type { EvaluationProgress } from '../evaluation/evaluation-progress.js';
import type { LabelledCorpus } from '../evaluation/labelled-corpus.js';
import type { Matrix } from '../matrix.js';
import type { SkippedMention, Span } from '../mentions/mention.js';
import { modelFingerprint } from '../model/model-fingerprint.js';
import type { ModelFolder } from '../model/model-folder.js';
import type { LabelledTaps } from './labelled-taps.js';
import { type CachedTaps, readTapCache, tapCacheKey, writeTapCache } from './tap-cache.js';

/** What reads the texts: an `Embedder`, or anything that embeds as one does. */
export interface TapEmbedder {
  readonly model: Pick<ModelFolder, 'description'>;
  embedMentions(
    documents: readonly { readonly text: string; readonly mentions: readonly Span[] }[],
    options: { readonly signal?: AbortSignal; readonly raw: true; readonly mentions: 'given' },
  ): Promise<{
    readonly matrix: Matrix;
    readonly documents: readonly {
      readonly mentions: readonly Span[];
      readonly rows: number;
      readonly skipped: readonly SkippedMention[];
    }[];
    readonly tokens: number;
  }>;
  embedTypes(
    descriptions: readonly string[],
    options: { readonly signal?: AbortSignal; readonly raw: true },
  ): Promise<Matrix>;
}

export interface CollectOptions {
  /** A folder where the vectors are kept, each corpus and model under a name of its own; they are computed again where there is none. */
  readonly cache?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvaluationProgress) => void;
}

/**
 * The vectors of a labelled corpus at a model's tap: of its types' names, and of its mentions. Exact repeats of a mention in a document
 * are one, with the types of all.
 *
 * @throws NerRetrieverError TRAINING_DATA_TOO_SMALL, FILE_UNWRITABLE, and what the embedder throws.
 */
export async function collectTaps(
  corpus: LabelledCorpus,
  embedder: TapEmbedder,
  options: CollectOptions = {},
): Promise<LabelledTaps> {
  const distinct = withDistinctMentions(corpus);
  const mentions = distinct.documents.flatMap((document, place) =>
    document.mentions.map(({ types }) => ({ document: place, types })),
  );
  if (corpus.types.length === 0 || mentions.length === 0) {
    throw new NerRetrieverError('TRAINING_DATA_TOO_SMALL', {
      types: corpus.types.length,
      mentions: mentions.length,
      heldOut: 0,
    });
  }
  // The tap is the same whatever head is behind it.
  const fingerprint = modelFingerprint({ ...embedder.model.description, head: null });
  const key = options.cache === undefined ? '' : tapCacheKey(fingerprint, distinct);
  const kept = options.cache === undefined ? null : await readTapCache(options.cache, key);
  const { vectors, skipped } = kept ?? (await computeTaps(distinct, mentions.length, embedder, options));
  if (kept === null && options.cache !== undefined) await writeTapCache(options.cache, key, { vectors, skipped });

  const left = new Set(skipped);
  const typePlaces = new Map(corpus.types.map(({ type }, place) => [type, place]));
  return {
    types: corpus.types,
    mentions: mentions
      .filter((_, place) => !left.has(place))
      .map(({ document, types }) => ({ document, types: types.flatMap((type) => typePlaces.get(type) ?? []) })),
    documents: corpus.documents.map(({ text }) => text),
    vectors,
  };
}

async function computeTaps(
  corpus: LabelledCorpus,
  mentionCount: number,
  embedder: TapEmbedder,
  { signal, onProgress }: CollectOptions,
): Promise<CachedTaps> {
  const started = performance.now();
  const shared = { raw: true, ...(signal && { signal }) } as const;
  const types = await embedder.embedTypes(
    corpus.types.map(({ query }) => query),
    shared,
  );
  const { columns } = types;
  const data = new Float32Array((types.rows + mentionCount) * columns);
  data.set(types.data);

  const skipped: number[] = [];
  let rows = types.rows;
  let mention = 0;
  let tokens = 0;
  for (const { first, chunk } of documentChunks(corpus.documents)) {
    const { matrix, ...embedded } = await embedder.embedMentions(chunk, { ...shared, mentions: 'given' });
    for (let row = 0; row < matrix.rows; row++, mention++) {
      const vector = matrix.data.subarray(row * columns, (row + 1) * columns);
      if (Number.isNaN(vector[0])) skipped.push(mention);
      else data.set(vector, columns * rows++);
    }
    tokens += embedded.tokens;
    onProgress?.({
      documents: first + chunk.length,
      totalDocuments: corpus.documents.length,
      mentions: mention,
      tokens,
      elapsedMs: performance.now() - started,
    });
  }
  return { vectors: { rows, columns, data: data.subarray(0, rows * columns) }, skipped };
}

/** The corpus as the embedder takes it: exact repeats of a mention once, in the place of the first. */
function withDistinctMentions(corpus: LabelledCorpus): LabelledCorpus {
  const documents = corpus.documents.map((document) => {
    const found = new Map<string, { start: number; end: number; types: string[] }>();
    for (const { start, end, types } of document.mentions) {
      const known = found.get(`${start} ${end}`);
      if (known === undefined) found.set(`${start} ${end}`, { start, end, types: [...new Set(types)] });
      else known.types = [...new Set([...known.types, ...types])];
    }
    return { ...document, mentions: [...found.values()] };
  });
  return { ...corpus, documents };
}
