import type { SystemName } from './evaluation-report.js';
import type { Ranking } from './ranking.js';

/** Dampens the first places, so that one ranking alone cannot decide (Cormack, Clarke, Büttcher, SIGIR 2009). */
const k = 60;

/**
 * Reciprocal rank fusion of several rankings: a document's score is the sum of 1 / (60 + place), places counted from 1, over those that
 * found it. Equal scores come in the order of the first ranking, then of the second one.
 */
export class FusedRanking implements Ranking {
  readonly system: SystemName;
  readonly #rankings: readonly Ranking[];

  constructor(system: SystemName, rankings: readonly Ranking[]) {
    this.system = system;
    this.#rankings = rankings;
  }

  async best(query: string, count: number): Promise<number[]> {
    const scores = new Map<number, number>();
    for (const ranking of this.#rankings) {
      // Whole: what stands far behind in one may be the first in the other.
      const documents = await ranking.best(query, Number.POSITIVE_INFINITY);
      for (const [before, document] of documents.entries()) {
        scores.set(document, (scores.get(document) ?? 0) + 1 / (k + before + 1));
      }
    }
    return [...scores]
      .sort(([, one], [, other]) => other - one)
      .slice(0, count)
      .map(([document]) => document);
  }
}
