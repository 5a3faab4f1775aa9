import { NerRetrieverError } from '../errors.js';
import type { Span } from '../mentions/mention.js';
import type { MentionDetector } from '../mentions/mention-detector.js';
import type { ModelFolder } from '../model/model-folder.js';
import type { DetectionReport } from './detection-report.js';
import { documentChunks } from './document-chunks.js';
import type { EvaluationProgress } from './evaluation-progress.js';
import type { LabelledCorpus } from './labelled-corpus.js';
import { measureDetection } from './measure-detection.js';

/** What is measured: a `MentionDetector`, an `Embedder` (the detector that it was opened with, or its model's), or what detects like one. */
export type MeasuredDetector = Pick<MentionDetector, 'name' | 'detect'> | DetectingModel;

interface DetectingModel {
  readonly model: Pick<ModelFolder, 'description' | 'fingerprint'>;
  readonly detector?: MentionDetector | null;
  detect(
    texts: readonly string[],
    options: { readonly signal?: AbortSignal; readonly threshold?: number },
  ): Promise<readonly (readonly Span[])[]>;
}

export interface EvaluateDetectionOptions {
  /** Least confidence, 0 to 1: with the model's own detector that of a word in a mention. Default: the detector's own. */
  readonly threshold?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EvaluationProgress) => void;
}

/**
 * Measures a mention detector against a corpus's own mentions, whatever their types.
 *
 *     const corpus = await readWnut17(['emerging.test.annotated']);
 *     const report = await evaluateDetection(corpus, await openGazetteer('names.txt'));
 *
 * @throws NerRetrieverError DETECTOR_MISSING
 */
export async function evaluateDetection(
  corpus: LabelledCorpus,
  detector: MeasuredDetector,
  options: EvaluateDetectionOptions = {},
): Promise<DetectionReport> {
  const started = performance.now();
  const measuredWith = identityOf(detector);
  const { threshold = measuredWith.threshold, signal, onProgress } = options;

  const measured = [];
  let mentions = 0;
  for (const { first, chunk } of documentChunks(corpus.documents)) {
    const texts = chunk.map(({ text }) => text);
    const found = await detector.detect(texts, { ...(threshold !== null && { threshold }), ...(signal && { signal }) });
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
    detector: measuredWith.name,
    threshold,
    model: measuredWith.model,
    ...measureDetection(measured),
    elapsedMs: performance.now() - started,
  };
}

/** What the report says of a detector; of a model's own it also knows the threshold. */
function identityOf(measured: MeasuredDetector): {
  readonly name: string;
  readonly threshold: number | null;
  readonly model: DetectionReport['model'];
} {
  const other = 'model' in measured ? measured.detector : measured;
  if (other) return { name: other.name, threshold: null, model: null };
  const { description, fingerprint } = (measured as DetectingModel).model;
  const { name, version, detector } = description;
  if (detector === null) throw new NerRetrieverError('DETECTOR_MISSING', { model: name });
  return { name: `${name} ${version}`, threshold: detector.threshold, model: { name, version, fingerprint } };
}
