import type { Retriever } from '@ner-retriever/core';
import { NerRetrieverError } from '@ner-retriever/core/errors';
import fastify, { type FastifyInstance } from 'fastify';
import { bodyLimitBytes, errorAnswer, knownError } from './error-answer.js';
import { HostRules } from './host-rules.js';
import { type SearchBody, searchSchema } from './search-schema.js';

/** What the service needs of an open index. */
export type ServedRetriever = Pick<Retriever, 'info' | 'search' | 'searchMany'>;

export interface ServerOptions {
  readonly retriever: ServedRetriever;
  /** The address or name that will be listened on, which callers may name in Host. Default: 127.0.0.1. */
  readonly host?: string;
  /** Further names that callers may use in Host, each with or without a port. */
  readonly allowedHosts?: readonly string[];
  /** Origins of pages elsewhere that may call: "https://app.example". */
  readonly allowedOrigins?: readonly string[];
  /** Told of errors that nobody foresaw; their callers see a status 500 without particulars. */
  readonly onUnexpectedError?: (error: unknown) => void;
}

/** Hits come with their documents: what one answer may hold is bounded. */
const maximumHits = 10_000;

/**
 * The HTTP service over an open index: GET /health, GET /v1/info, POST /v1/search. Not listening yet (see `serve`); the index
 * stays the caller's to close.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const { retriever, host = '127.0.0.1', allowedHosts = [], allowedOrigins = [], onUnexpectedError } = options;
  const rules = new HostRules(host, allowedHosts, allowedOrigins);
  const server = fastify({
    bodyLimit: bodyLimitBytes,
    requestTimeout: 60_000,
    // At the end, requests under way are answered; connections that only wait are closed.
    forceCloseConnections: 'idle',
    // What does not fit is refused, not bent until it fits.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  });
  // A form or a page can send text/plain across origins without asking; only JSON is read.
  server.removeContentTypeParser('text/plain');

  server.addHook('onRequest', async ({ headers }) => rules.check(headers.host, headers.origin));
  server.setErrorHandler((error, request, reply) => {
    const route = `${request.method} ${request.routeOptions.url ?? request.url}`;
    const known = knownError(error, route, Object.keys(searchSchema.properties));
    if (known === null) onUnexpectedError?.(error);
    const answered = known ?? new NerRetrieverError('UNEXPECTED', {}, { cause: error });
    return reply.status(answered.status).send(errorAnswer(answered));
  });
  server.setNotFoundHandler(({ method, url }, reply) => {
    const unknown = new NerRetrieverError('ROUTE_UNKNOWN', { route: `${method} ${url}` });
    return reply.status(unknown.status).send(errorAnswer(unknown));
  });

  server.get('/health', async () => ({ status: 'ok' }));

  server.get('/v1/info', async () => retriever.info());

  server.post<{ Body: SearchBody }>('/v1/search', { schema: { body: searchSchema } }, async ({ body }) => {
    const { query, queries, limit = 10, minScore, mode, evidence, approximate, where } = body;
    const wanted = {
      limit,
      ...(minScore !== undefined && { minScore }),
      ...(mode && { mode }),
      ...(evidence !== undefined && { evidence }),
      ...(approximate !== undefined && { approximate }),
      ...(where && { where }),
    };
    if (query !== undefined && queries === undefined) return retriever.search(query, wanted);
    if (queries === undefined || query !== undefined) {
      throw new NerRetrieverError('REQUEST_INVALID', {
        field: 'the body',
        reason: 'must have either query or queries',
      });
    }
    if (queries.length * limit > maximumHits) {
      const reason = `must ask for at most ${maximumHits} hits in all; ask for less, or in parts`;
      throw new NerRetrieverError('REQUEST_INVALID', { field: 'the body', reason });
    }
    const started = performance.now();
    const found = await retriever.searchMany(queries, wanted);
    const results = queries.map((each, place) => ({ query: each, hits: [], ...found[place] }));
    return { results, elapsedMs: performance.now() - started };
  });

  return server;
}
