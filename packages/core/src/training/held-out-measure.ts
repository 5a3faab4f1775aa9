import type { Projection } from '@ner-retriever/native';
import { macroMean } from '../evaluation/macro-mean.js';
import { MentionRanking } from '../evaluation/mention-ranking.js';
import { rPrecision } from '../evaluation/r-precision.js';
import type { Matrix } from '../matrix.js';
import { type LabelledTaps, mentionRow } from './labelled-taps.js';
import { seededRandom, shuffled } from './seeded-random.js';
import type { TrainingSet } from './training-set.js';

/** Mentions of other types among which those of the held-out ones are looked for, at most: an epoch should not wait for its measure. */
const otherMentionLimit = 20_000;

/** Macro R-Precision on the held-out types: their names ask for the documents that mention them, among mentions of all types. */
export class HeldOutMeasure {
  readonly #types: readonly number[];
  readonly #documents: readonly number[];
  readonly #relevant: readonly ReadonlySet<number>[];
  /** Rows of the held-out types, then of the mentions. */
  readonly #vectors: Matrix;

  constructor(taps: LabelledTaps, { heldOutTypes }: TrainingSet, seed: number) {
    const heldOut = new Set(heldOutTypes);
    const places = [...taps.mentions.keys()];
    const own = places.filter((mention) => taps.mentions[mention]?.types.some((type) => heldOut.has(type)));
    const ofOwn = new Set(own);
    const others = shuffled(
      places.filter((mention) => !ofOwn.has(mention)),
      seededRandom(seed, -2),
    ).slice(0, otherMentionLimit);
    const mentions = [...own, ...others].sort((a, b) => a - b);

    this.#types = heldOutTypes;
    this.#documents = mentions.map((mention) => taps.mentions[mention]?.document as number);
    this.#relevant = heldOutTypes.map(
      (type) =>
        new Set(
          own.flatMap((mention) => {
            const { document, types } = taps.mentions[mention] as LabelledTaps['mentions'][number];
            return types.includes(type) ? [document] : [];
          }),
        ),
    );
    const { columns, data } = taps.vectors;
    const rows = [...heldOutTypes, ...mentions.map((mention) => mentionRow(taps, mention))];
    const gathered = new Float32Array(rows.length * columns);
    for (const [place, row] of rows.entries())
      gathered.set(data.subarray(row * columns, (row + 1) * columns), place * columns);
    this.#vectors = { rows: rows.length, columns, data: gathered };
  }

  async rPrecision(projection: Projection): Promise<number> {
    const projected = await projection.project(this.#vectors.data);
    const columns = projection.outputDimensions;
    const typeValues = this.#types.length * columns;
    const queries = this.#types.map(
      (type, place) => [String(type), projected.slice(place * columns, (place + 1) * columns)] as const,
    );
    const ranking = new MentionRanking('retriever', columns, new Map(queries));
    const matrix = { rows: this.#documents.length, columns, data: projected.subarray(typeValues) };
    await ranking.add(matrix, this.#documents);
    const values = [];
    for (const [place, type] of this.#types.entries()) {
      const relevant = this.#relevant[place] as ReadonlySet<number>;
      values.push(rPrecision(await ranking.best(String(type), relevant.size), relevant));
    }
    return macroMean(values) ?? 0;
  }
}
