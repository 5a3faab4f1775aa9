import type { SearchMode } from '@ner-retriever/core';

/** The body of POST /v1/search. Exactly one of query and queries; unknown fields are refused. */
export interface SearchBody {
  readonly query?: string;
  readonly queries?: readonly string[];
  readonly limit?: number;
  readonly minScore?: number | 'auto';
  /** Default: vectors. */
  readonly mode?: SearchMode;
}

const description = { type: 'string', minLength: 1, maxLength: 2000 } as const;

export const searchSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    query: description,
    queries: { type: 'array', items: description, minItems: 1, maxItems: 256 },
    limit: { type: 'integer', minimum: 1, maximum: 1000 },
    // Which string it may be is the retriever's to say.
    minScore: { type: ['number', 'string'] },
    mode: { type: 'string', enum: ['vectors', 'hybrid'] },
  },
} as const;
