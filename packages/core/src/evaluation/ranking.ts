import type { SystemName } from './evaluation-report.js';

/** A system under measurement. Documents are numbers, counted from 0 in the order of their corpus. */
export interface Ranking {
  readonly system: SystemName;
  /** The first `count` (Infinity: all) distinct documents for a type's readable name, best first; fewer where fewer are found. */
  best(query: string, count: number): Promise<number[]>;
}
