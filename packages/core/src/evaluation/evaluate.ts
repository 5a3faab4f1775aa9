import type { Matrix } from '../matrix.js';
import type { SkippedMention, Span } from '../mentions/mention.js';
import type { MentionDetector } from '../mentions/mention-detector.js';
import type { ModelFolder } from '../model/model-folder.js';
import { ProjectionHead } from '../projection/projection-head.js';
import { Bm25Ranking } from './bm25-ranking.js';
import { documentChunks } from './document-chunks.js';
import type { EvaluationProgress } from './evaluation-progress.js';
import type { EvaluationReport, SystemName } from './evaluation-report.js';
import { HybridRanking } from './hybrid-ranking.js';
import type { LabelledCorpus } from './labelled-corpus.js';
import { measure } from './measure.js';
import { MentionRanking } from './mention-ranking.js';
import { normaliseRows } from './normalise-rows.js';
import { rowsByName } from './rows-by-name.js';
import { openOwnSentenceModel } from './sentence-model/own-sentence-model.js';

/** What is measured: an `Embedder`, or anything that embeds as one does. */
export interface MeasuredEmbedder {
  readonly model: Pick<ModelFolder, 'description' | 'fingerprint' | 'path'>;
  /** What finds mentions instead of the model's own detector. */
  readonly detector?: Pick<MentionDetector, 'name'> | null;
  embedMentions(
    documents: readonly { readonly text: string; readonly mentions: readonly Span[] }[],
    options: { readonly signal?: AbortSignal; readonly raw: true; readonly mentions: 'given' | 'detect' },
  ): Promise<{
    readonly matrix: Matrix;
    readonly documents: readonly { readonly rows: number; readonly skipped: readonly SkippedMention[] }[];
    readonly tokens: number;
  }>;
  embedTypes(
    descriptions: readonly string[],
    options: { readonly signal?: AbortSignal; readonly raw: true },
  ): Promise<Matrix>;
}

/** A baseline of one vector a text: a `SentenceModel`, or anything that embeds as one does. Rows are L2-normalised. */
export interface MeasuredSentenceModel {
  readonly name: string;
  readonly fingerprint: string;
  readonly pooling: string;
  embed(
    texts: readonly string[],
    kind: 'query' | 'document',
    options: { readonly signal?: AbortSignal },
  ): Promise<Matrix>;
}

export interface EvaluateOptions {
  /** 'given' (the default): the corpus's own mentions. 'detect': the embedder's detector finds them. Relevance is the corpus's either way. */
  readonly mentions?: 'given' | 'detect';
  /** Measured beside the model, with the types' bare names as queries. */
  readonly sentenceModel?: MeasuredSentenceModel;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvaluationProgress) => void;
}

/**
 * Measures a model on a labelled corpus by R-Precision, beside the model's tap without its head, BM25, both fused, and one vector a
 * document (by the model's own sentence head where it has one, and by a sentence model where one is given), in one run.
 *
 *     const corpus = await readMulticoner2(['en-dev.conll']);
 *     const report = await evaluate(corpus, await Embedder.open());
 */
export async function evaluate(
  corpus: LabelledCorpus,
  embedder: MeasuredEmbedder,
  options: EvaluateOptions = {},
): Promise<EvaluationReport> {
  const started = performance.now();
  const { mentions = 'given', sentenceModel, signal, onProgress } = options;
  const { description } = embedder.model;
  const shared = signal === undefined ? {} : { signal };

  // The tap is computed once and projected here, so that the rows with and without head cost one forward pass.
  const head = description.head === null ? null : await ProjectionHead.load(embedder.model.path(description.head));
  const queries = corpus.types.map(({ query }) => query);
  const typeTaps = await embedder.embedTypes(queries, { ...shared, raw: true });
  const withoutHead = new MentionRanking(
    head === null ? 'retriever' : 'tap-without-head',
    typeTaps.columns,
    rowsByName(queries, normaliseRows(typeTaps)),
    head === null ? description.cutOff : undefined,
  );
  const typeVectors = await head?.project(typeTaps);
  const withHead =
    typeVectors &&
    new MentionRanking('retriever', typeVectors.columns, rowsByName(queries, typeVectors), description.cutOff);

  let embedded = 0;
  let skipped = 0;
  let tokens = 0;
  for (const { first, chunk } of documentChunks(corpus.documents)) {
    const taps = await embedder.embedMentions(chunk, { ...shared, raw: true, mentions });
    const owners = taps.documents.flatMap(({ rows }, position) => Array<number>(rows).fill(first + position));
    await withoutHead.add(normaliseRows(taps.matrix), owners);
    if (head && withHead) await withHead.add(await head.project(taps.matrix), owners);

    const unusable = taps.documents.reduce((sum, document) => sum + document.skipped.length, 0);
    skipped += unusable;
    embedded += owners.length - unusable;
    tokens += taps.tokens;
    onProgress?.({
      documents: first + chunk.length,
      totalDocuments: corpus.documents.length,
      mentions: embedded,
      tokens,
      elapsedMs: performance.now() - started,
    });
  }

  await using own = await openOwnSentenceModel(embedder.model);
  const sentenceRankings: MentionRanking[] = [];
  for (const [system, model] of [['own-sentence', own] as const, ['sentence', sentenceModel ?? null] as const]) {
    if (model === null) continue;
    const ranking = await rankSentences(system, corpus, model, shared, (documents) =>
      onProgress?.({
        documents,
        totalDocuments: corpus.documents.length,
        mentions: embedded,
        elapsedMs: performance.now() - started,
      }),
    );
    sentenceRankings.push(ranking);
  }

  const bm25 = new Bm25Ranking(corpus.documents);
  try {
    const hybrid = new HybridRanking(withHead ?? withoutHead, bm25);
    const models = withHead ? [withHead, withoutHead] : [withoutHead];
    const rankings = [...models, bm25, hybrid, ...sentenceRankings];
    const { systems, types } = await measure(corpus, rankings);
    return {
      dataset: corpus.name,
      documents: corpus.documents.length,
      mentions: { from: mentions, ...(mentions === 'detect' && { detector: detectorOf(embedder) }), embedded, skipped },
      model: { name: description.name, version: description.version, fingerprint: embedder.model.fingerprint },
      ...(sentenceModel && {
        sentenceModel: {
          name: sentenceModel.name,
          fingerprint: sentenceModel.fingerprint,
          pooling: sentenceModel.pooling,
        },
      }),
      systems,
      types,
      elapsedMs: performance.now() - started,
    };
  } finally {
    bm25.close();
  }
}

function detectorOf({ detector, model: { description } }: MeasuredEmbedder): string {
  return detector?.name ?? `${description.name} ${description.version}`;
}

/** A document's one row is its whole text. */
async function rankSentences(
  system: SystemName,
  corpus: LabelledCorpus,
  model: MeasuredSentenceModel,
  options: { readonly signal?: AbortSignal },
  onDocuments: (documents: number) => void,
): Promise<MentionRanking> {
  const queries = corpus.types.map(({ query }) => query);
  const vectors = await model.embed(queries, 'query', options);
  const ranking = new MentionRanking(system, vectors.columns, rowsByName(queries, vectors));
  for (const { first, chunk } of documentChunks(corpus.documents)) {
    const texts = chunk.map(({ text }) => text);
    const places = texts.map((_, place) => first + place);
    await ranking.add(await model.embed(texts, 'document', options), places);
    onDocuments(first + chunk.length);
  }
  return ranking;
}
