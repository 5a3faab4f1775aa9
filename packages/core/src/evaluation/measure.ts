import { type CutOffSituations, measureSituations } from './cut-off-situations.js';
import type { SystemName, SystemResult, TypeResult } from './evaluation-report.js';
import type { LabelledCorpus } from './labelled-corpus.js';
import { macroCutOff } from './macro-cut-off.js';
import { macroMean } from './macro-mean.js';
import { macroMeasures } from './macro-measures.js';
import { rPrecision } from './r-precision.js';
import type { Ranking } from './ranking.js';
import { measureRanking, type RankingMeasures } from './ranking-measures.js';

/** R-Precision, the other measures and the cut-off of every type, and their macro means, for each ranking. */
export async function measure(
  corpus: LabelledCorpus,
  rankings: readonly Ranking[],
): Promise<{ systems: SystemResult[]; types: TypeResult[] }> {
  const relevant = relevantDocuments(corpus);
  const types: TypeResult[] = [];
  for (const type of corpus.types) {
    const documents = relevant.get(type.type) ?? new Set<number>();
    const values: Partial<Record<SystemName, number | null>> = {};
    const measures: Partial<Record<SystemName, RankingMeasures | null>> = {};
    const cutOff: Partial<Record<SystemName, CutOffSituations>> = {};
    for (const ranking of rankings) {
      const scored = documents.size === 0 ? undefined : await ranking.scored?.(type.query);
      if (scored && ranking.cutOff) cutOff[ranking.system] = measureSituations(scored, documents, ranking.cutOff);
      const found =
        documents.size === 0 ? [] : (scored?.documents ?? (await ranking.best(type.query, corpus.documents.length)));
      values[ranking.system] = rPrecision(found, documents);
      measures[ranking.system] = measureRanking(found, documents);
    }
    types.push({ ...type, relevant: documents.size, rPrecision: values, measures, cutOff });
  }
  const systems = rankings.map(({ system }): SystemResult => {
    const mean = (other: boolean) =>
      macroMean(types.filter((type) => type.other === other).map((type) => type.rPrecision[system] ?? null));
    const means = (other: boolean) =>
      macroMeasures(types.filter((type) => type.other === other).map((type) => type.measures[system] ?? null));
    return {
      system,
      macro: mean(false),
      macroOther: mean(true),
      measures: means(false),
      measuresOther: means(true),
      cutOff: macroCutOff(types.filter(({ other }) => !other).flatMap((type) => type.cutOff[system] ?? [])),
    };
  });
  return { systems, types };
}

/** Type -> the documents that mention an entity of it. */
function relevantDocuments(corpus: LabelledCorpus): Map<string, Set<number>> {
  const relevant = new Map<string, Set<number>>();
  for (const [position, document] of corpus.documents.entries()) {
    for (const type of document.mentions.flatMap(({ types }) => types)) {
      const documents = relevant.get(type);
      if (documents === undefined) relevant.set(type, new Set([position]));
      else documents.add(position);
    }
  }
  return relevant;
}
