import { NerRetrieverError } from '../errors.js';
import type { Span } from '../mentions/mention.js';
import type { ModelFolder } from '../model/model-folder.js';
import type { DetectionReport } from './detection-report.js';
import { documentChunks } from './document-chunks.js';
import type { EvaluationProgress } from './evaluation-progress.js';
import type { LabelledCorpus } from './labelled-corpus.js';
import { measureDetection } from './measure-detection.js';

/** What is measured: an `Embedder`, or anything that detects as one does. */
export interface MeasuredDetector {
  readonly model: Pick<ModelFolder, 'description' | 'fingerprint'>;
  detect(
    texts: readonly string[],
    options: { readonly signal?: AbortSignal; readonly threshold?: number },
  ): Promise<readonly (readonly Span[])[]>;
}

export interface EvaluateDetectionOptions {
  /** Least confidence of a word in a mention, 0 to 1. Default: the model's own. */
  readonly threshold?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvaluationProgress) => void;
}

/**
 * Measures a model's mention detector against a corpus's own mentions, whatever their types.
 *
 *     const corpus = await readWnut17(['emerging.test.annotated']);
 *     const report = await evaluateDetection(corpus, await Embedder.open());
 *
 * @throws NerRetrieverError DETECTOR_MISSING
 */
export async function evaluateDetection(
  corpus: LabelledCorpus,
  detector: MeasuredDetector,
  options: EvaluateDetectionOptions = {},
): Promise<DetectionReport> {
  const started = performance.now();
  const { description, fingerprint } = detector.model;
  if (description.detector === null) throw new NerRetrieverError('DETECTOR_MISSING', { model: description.name });
  const { threshold = description.detector.threshold, signal, onProgress } = options;

  const measured = [];
  let mentions = 0;
  for (const { first, chunk } of documentChunks(corpus.documents)) {
    const texts = chunk.map(({ text }) => text);
    const found = await detector.detect(texts, { threshold, ...(signal && { signal }) });
    for (const [place, { text, mentions: gold }] of chunk.entries()) {
      const detected = found[place] as readonly Span[];
      measured.push({ text, gold, detected });
      mentions += detected.length;
    }
    onProgress?.({
      documents: first + chunk.length,
      totalDocuments: corpus.documents.length,
      mentions,
      elapsedMs: performance.now() - started,
    });
  }
  return {
    dataset: corpus.name,
    documents: corpus.documents.length,
    threshold,
    model: { name: description.name, version: description.version, fingerprint },
    ...measureDetection(measured),
    elapsedMs: performance.now() - started,
  };
}
