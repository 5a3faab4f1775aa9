import type { ApproximateParameters, SearchMode, TypeQuery, Where } from '@ner-retriever/core';

/** The body of POST /v1/search. Exactly one of query and queries; unknown fields are refused. */
export interface SearchBody {
  readonly query?: TypeQuery;
  readonly queries?: readonly TypeQuery[];
  readonly limit?: number;
  readonly minScore?: number | 'auto';
  /** Default: vectors. */
  readonly mode?: SearchMode;
  /** Best mentions of a hit. */
  readonly evidence?: number;
  /** By the index's approximate index: true, or how it trades time for recall. */
  readonly approximate?: boolean | ApproximateParameters;
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
    // Which string it may be is the retriever's to say.
    minScore: { anyOf: [{ type: 'number' }, { const: 'auto' }] },
    mode: { type: 'string', enum: ['vectors', 'hybrid'] },
    evidence: { type: 'integer', minimum: 1, maximum: 100 },
    approximate: {
      anyOf: [
        { type: 'boolean' },
        {
          type: 'object',
          additionalProperties: false,
          properties: {
            nprobe: { type: 'integer', minimum: 1 },
            efSearch: { type: 'integer', minimum: 1 },
            refineFactor: { type: 'number', minimum: 1 },
          },
        },
      ],
    },
    where: { type: 'object' },
  },
} as const;
