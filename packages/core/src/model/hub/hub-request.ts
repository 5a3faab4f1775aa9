import { setTimeout as sleep } from 'node:timers/promises';
import { NerRetrieverError } from '../../errors.js';
import type { HubSettings } from './hub-settings.js';

export interface HubRequest {
  readonly settings: HubSettings;
  /** The repository, for messages. */
  readonly id: string;
  /** What is asked for, for messages: `revision "main"`. */
  readonly what: string;
  /** Path below the endpoint, with query. */
  readonly path: string;
  readonly headers?: { readonly [name: string]: string };
  readonly signal?: AbortSignal | undefined;
}

/** A server that sends nothing for so long is taken to be gone. */
export const stallMs = 60_000;

/** Answers that say "later", and how often they are believed. */
const busy = new Set([408, 429, 500, 502, 503, 504]);
const mostRetries = 4;

/** A server that asks for more patience than this is told to the caller. */
const longestWaitMs = 120_000;

/**
 * A GET to the hub; busy servers are asked again, after the time they name or a growing one. Redirects are followed: `fetch`
 * leaves the token out where one leads to another host.
 *
 * @throws NerRetrieverError HUB_UNREACHABLE, HUB_ACCESS_DENIED, HUB_NOT_FOUND, HUB_FAILED, and the signal's reason
 */
export async function hubRequest(request: HubRequest): Promise<Response> {
  for (let retry = 0; ; retry++) {
    const response = await send(request);
    if (response.ok) return response;
    await response.body?.cancel();
    const waitMs =
      busy.has(response.status) && retry < mostRetries ? (retryAfterMs(response) ?? retryDelayMs(retry)) : null;
    if (waitMs === null || waitMs > longestWaitMs) throw refusal(response, request);
    await sleep(waitMs, undefined, request.signal && { signal: request.signal }).catch(() => {});
    request.signal?.throwIfAborted();
  }
}

/** 1, 2, 4, 8 … seconds. */
export function retryDelayMs(retry: number): number {
  return 1000 * 2 ** retry;
}

/** That the hub cannot be reached; the signal's own reason where the caller gave up. */
export function unreachable(error: unknown, { settings, id, signal }: HubRequest): unknown {
  if (signal?.aborted) return signal.reason;
  const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
  const reason = cause?.code ?? cause?.message ?? (error as Error).message;
  return new NerRetrieverError('HUB_UNREACHABLE', { endpoint: settings.endpoint, id, reason }, { cause: error });
}

async function send(request: HubRequest): Promise<Response> {
  const { settings, path, headers, signal } = request;
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error(`no answer in ${stallMs / 1000} s`)), stallMs);
  try {
    return await fetch(`${settings.endpoint}${path}`, {
      headers: {
        'user-agent': 'ner-retriever',
        ...headers,
        ...(settings.token !== null && { authorization: `Bearer ${settings.token}` }),
      },
      signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    });
  } catch (error) {
    throw unreachable(error, request);
  } finally {
    clearTimeout(timer);
  }
}

/** The header's seconds or date, as milliseconds from now. */
function retryAfterMs(response: Response): number | null {
  const value = response.headers.get('retry-after');
  if (value === null) return null;
  if (/^\d+$/.test(value.trim())) return 1000 * Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

function refusal(response: Response, { settings, id, what }: HubRequest): NerRetrieverError {
  const { status, headers } = response;
  const { endpoint } = settings;
  const code = headers.get('x-error-code');
  const received = [`HTTP ${status}`, headers.get('x-error-message')?.slice(0, 200)].filter(Boolean).join(': ');
  if (status === 401 || status === 403) {
    const reason =
      code === 'GatedRepo'
        ? 'it is gated'
        : code === 'RepoNotFound'
          ? 'it is private, or does not exist'
          : `the answer was ${received}`;
    const token = settings.token === null ? 'no token was sent' : 'the token that was sent is not enough';
    return new NerRetrieverError('HUB_ACCESS_DENIED', { endpoint, id, reason, token });
  }
  if (status === 404) {
    const missing = code === 'RepoNotFound' ? 'repository' : what;
    return new NerRetrieverError('HUB_NOT_FOUND', { endpoint, id, what: missing });
  }
  return new NerRetrieverError('HUB_FAILED', { endpoint, id, what, received });
}
