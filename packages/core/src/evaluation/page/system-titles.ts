import type { EvaluationReport, SystemName } from '../evaluation-report.js';

/** What a system is called in the report, and what it is. */
export interface SystemTitle {
  readonly title: string;
  readonly about: string;
}

export function systemTitle(system: SystemName, { sentenceModel }: EvaluationReport): SystemTitle {
  switch (system) {
    case 'retriever':
      return { title: 'NER Retriever', about: 'one vector a mention; a document ranks by its best one' };
    case 'tap-without-head':
      return { title: 'Tap, no head', about: 'the same vectors before the projection head' };
    case 'bm25':
      return { title: 'BM25', about: "words of the type's name in the text" };
    case 'hybrid':
      return { title: 'Hybrid', about: 'NER Retriever and BM25 by reciprocal rank fusion, k = 60' };
    case 'own-sentence':
      return {
        title: 'Sentence head (ours)',
        about: "one vector a document: the model's own tap, pooled, through a head trained for that",
      };
    case 'sentence':
      return { title: sentenceModel?.name ?? 'Sentence vectors', about: 'one vector a document by a sentence model' };
  }
}
