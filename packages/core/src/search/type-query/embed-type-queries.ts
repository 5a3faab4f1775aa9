import { checkOption } from '../../check-options.js';
import { NerRetrieverError } from '../../errors.js';
import type { Matrix } from '../../matrix.js';
import type { Span } from '../../mentions/mention.js';
import { combineVectors, type WeightedVector } from './combine-vectors.js';
import type { ParsedCombination, WeightedExample } from './parse-type-query.js';

/** What makes vectors: an `Embedder`. */
export interface QueryEmbedder {
  embedTypes(descriptions: readonly string[], options: { readonly signal?: AbortSignal }): Promise<Matrix>;
  embedMentions(
    documents: readonly { readonly text: string; readonly mentions: readonly Span[] }[],
    options: { readonly signal?: AbortSignal; readonly mentions: 'given'; readonly urgent: true },
  ): Promise<{ readonly matrix: Matrix }>;
}

/**
 * One unit vector each of what is searched for: [queries, dimensions]. All descriptions are encoded at once, and so are all examples.
 *
 * @throws NerRetrieverError DESCRIPTION_EMPTY, OPTION_INVALID where an example has no token or the parts cancel each other out
 */
export async function embedTypeQueries(
  embedder: QueryEmbedder,
  queries: readonly (string | ParsedCombination)[],
  options: { readonly signal?: AbortSignal } = {},
): Promise<Matrix> {
  const descriptions = queries.flatMap((query) =>
    typeof query === 'string' ? query : [...query.all, ...query.not].map(({ description }) => description),
  );
  const examples = queries.flatMap((query) => (typeof query === 'string' ? [] : query.examples));
  const [types, mentions] = await Promise.all([
    descriptions.length === 0 ? noRows : embedDescriptions(embedder, descriptions, queries, options),
    examples.length === 0 ? noRows : embedExamples(embedder, examples, options),
  ]);
  const columns = Math.max(types.columns, mentions.columns);
  const data = new Float32Array(queries.length * columns);
  const nextType = rowsOf(types);
  const nextMention = rowsOf(mentions);
  for (const [place, query] of queries.entries()) {
    const vector = typeof query === 'string' ? nextType() : combine(query, place, columns, nextType, nextMention);
    data.set(vector, place * columns);
  }
  return { rows: queries.length, columns, data };
}

const noRows: Matrix = { rows: 0, columns: 0, data: new Float32Array() };

/** The rows of a matrix, one after the other. */
function rowsOf({ columns, data }: Matrix): () => Float32Array {
  let row = -1;
  return () => {
    row += 1;
    return data.subarray(row * columns, (row + 1) * columns);
  };
}

function combine(
  { all, not, examples }: ParsedCombination,
  place: number,
  columns: number,
  nextType: () => Float32Array,
  nextMention: () => Float32Array,
): Float32Array {
  const weighted =
    (next: () => Float32Array) =>
    ({ weight }: { readonly weight: number }): WeightedVector => ({ vector: next(), weight });
  // The order in which the descriptions were encoded.
  const parts = {
    all: all.map(weighted(nextType)),
    not: not.map(weighted(nextType)),
    examples: examples.map(weighted(nextMention)),
  };
  const vector = combineVectors(parts, columns);
  const received = `${JSON.stringify(all[0]?.description ?? examples[0]?.text)} and its opposite`;
  checkOption(vector !== null, `type description ${place}`, 'parts that do not cancel each other out', received);
  return vector as Float32Array;
}

async function embedDescriptions(
  embedder: QueryEmbedder,
  descriptions: readonly string[],
  queries: readonly (string | ParsedCombination)[],
  options: { readonly signal?: AbortSignal },
): Promise<Matrix> {
  try {
    return await embedder.embedTypes(descriptions, options);
  } catch (error) {
    if (!NerRetrieverError.isInstance(error) || error.code !== 'DESCRIPTION_EMPTY') throw error;
    // Callers count what they search for, not its parts.
    const owners = queries.flatMap((query, place) =>
      typeof query === 'string' ? place : [...query.all, ...query.not].map(() => place),
    );
    const index = owners[error.details.index as number];
    throw new NerRetrieverError('DESCRIPTION_EMPTY', { ...error.details, index }, { cause: error });
  }
}

async function embedExamples(
  embedder: QueryEmbedder,
  examples: readonly WeightedExample[],
  options: { readonly signal?: AbortSignal },
): Promise<Matrix> {
  const documents = examples.map(({ text, start, end }) => ({ text, mentions: [{ start, end }] }));
  const { matrix } = await embedder.embedMentions(documents, { ...options, mentions: 'given', urgent: true });
  for (const [row, { text, start, end }] of examples.entries()) {
    const mention = JSON.stringify(text.slice(start, end));
    checkOption(!Number.isNaN(matrix.data[row * matrix.columns]), 'an example', 'at least one token', mention);
  }
  return matrix;
}
