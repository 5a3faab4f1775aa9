import type { Bm25Ranking } from './bm25-ranking.js';
import { FusedRanking } from './fused-ranking.js';
import type { MentionRanking } from './mention-ranking.js';
import type { Ranking } from './ranking.js';

/** What a hybrid search does (`hybridHits`): vectors and words fused, and once more with vectors that have learnt from the first documents. */
export class HybridRanking implements Ranking {
  readonly system = 'hybrid';
  readonly #fused: FusedRanking;

  constructor(vectors: MentionRanking, words: Bm25Ranking) {
    const first = new FusedRanking('hybrid', [vectors, words]);
    const learnt: Ranking = {
      system: 'hybrid',
      best: async (query, count) =>
        (await words.best(query, 1)).length === 0
          ? vectors.best(query, count)
          : vectors.bestLike(query, await first.best(query, Number.POSITIVE_INFINITY), count),
    };
    this.#fused = new FusedRanking('hybrid', [learnt, words]);
  }

  best(query: string, count: number): Promise<number[]> {
    return this.#fused.best(query, count);
  }
}
