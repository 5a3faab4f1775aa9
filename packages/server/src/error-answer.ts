import { NerRetrieverError } from '@ner-retriever/core/errors';
import type { FastifyError } from 'fastify';

/** An error as every answer carries it. */
export interface ErrorAnswer {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
}

/** What an error of Fastify, or of anything else, is in the project's own table; null for what nobody foresaw. */
export function knownError(error: unknown, route: string, expected: readonly string[]): NerRetrieverError | null {
  if (NerRetrieverError.isInstance(error)) return error;
  const { code, message, validation } = error as Partial<FastifyError>;
  const cause = { cause: error };
  const [fault] = validation ?? [];
  if (fault?.keyword === 'additionalProperties') {
    const option = String(fault.params.additionalProperty);
    return new NerRetrieverError('OPTION_UNKNOWN', { option, of: route, expected }, cause);
  }
  if (fault) {
    const field = fault.instancePath.slice(1).replaceAll('/', '.') || 'the body';
    const allowed = fault.params.allowedValues;
    const reason = Array.isArray(allowed) ? `must be ${allowed.join(' or ')}` : fault.message;
    return new NerRetrieverError('REQUEST_INVALID', { field, reason }, cause);
  }
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new NerRetrieverError('BODY_TYPE_REFUSED', { expected: 'application/json' }, cause);
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new NerRetrieverError('BODY_TOO_LARGE', { maximumBytes: bodyLimitBytes }, cause);
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new NerRetrieverError('REQUEST_INVALID', { field: 'the body', reason: message }, cause);
    default:
      return null;
  }
}

export function errorAnswer({
  code,
  message,
  details,
}: Pick<NerRetrieverError, 'code' | 'message' | 'details'>): ErrorAnswer {
  return { error: { code, message, details } };
}

/** The largest body that is read. */
export const bodyLimitBytes = 2 ** 20;
