import type { SearchMode, TypeQuery, Where } from '@ner-retriever/core';

/** The body of POST /v1/search. Exactly one of query and queries; unknown fields are refused. */
export interface SearchBody {
  readonly query?: TypeQuery;
  readonly queries?: readonly TypeQuery[];
  readonly limit?: number;
  readonly minScore?: number;
  /** Default: vectors. */
  readonly mode?: SearchMode;
  readonly where?: Where;
}

/** A combination, { all, not, examples }, is checked where it is read, which knows better what to say of it; so is `where`. */
const description = {
  if: { type: 'object' },
  else: { type: 'string', minLength: 1, maxLength: 2000 },
} as const;

export const searchSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    query: description,
    queries: { type: 'array', items: description, minItems: 1, maxItems: 256 },
    limit: { type: 'integer', minimum: 1, maximum: 1000 },
    minScore: { type: 'number' },
    mode: { type: 'string', enum: ['vectors', 'hybrid'] },
    where: { type: 'object' },
  },
} as const;
