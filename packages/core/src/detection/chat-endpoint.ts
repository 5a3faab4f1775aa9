import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkOption, checkOptions } from '../check-options.js';
import { NerRetrieverError } from '../errors.js';
import type { ChatMessage, ChatModel, ChatOptions } from './chat-model.js';

export interface ChatEndpointOptions {
  /** The base of an OpenAI-compatible service: "http://localhost:8000/v1". */
  readonly url: string;
  /** The model's name at the service. */
  readonly model: string;
  /** A file that holds the key. Default: the environment variable OPENAI_API_KEY, or no key where there is none. */
  readonly keyFile?: string;
  /** Requests at once. Default: 4. */
  readonly concurrency?: number;
  /** Time that a request may take. Default: 120,000. */
  readonly timeoutMs?: number;
  /** How often a request is sent again that the service was too busy for, failed at, or did not answer. Default: 4. */
  readonly retries?: number;
}

/**
 * A chat model behind an OpenAI-compatible endpoint (POST {url}/chat/completions): OpenAI itself, vLLM, llama.cpp, Ollama and others.
 *
 * @throws NerRetrieverError OPTION_…, FILE_UNREADABLE of the key file; from `answer`: CHAT_FAILED, the signal's reason
 */
export async function openChatEndpoint(options: ChatEndpointOptions): Promise<ChatModel> {
  checkOptions('openChatEndpoint', options, ['url', 'model', 'keyFile', 'concurrency', 'timeoutMs', 'retries']);
  const { model, keyFile, concurrency = 4, timeoutMs = 120_000, retries = 4 } = options;
  const url = completionsUrl(options.url);
  checkOption(typeof model === 'string' && model !== '', 'model', "the model's name at the endpoint", model);
  checkOption(isCount(concurrency, 1), 'concurrency', 'a whole number of at least 1', concurrency);
  checkOption(isCount(timeoutMs, 1), 'timeoutMs', 'a whole number of at least 1', timeoutMs);
  checkOption(isCount(retries, 0), 'retries', 'a whole number of at least 0', retries);
  const key = keyFile === undefined ? keyOf(process.env.OPENAI_API_KEY, 'OPENAI_API_KEY') : await keyIn(keyFile);
  return new ChatEndpoint({ url, model, key, concurrency, timeoutMs, retries });
}

interface Settings {
  readonly url: URL;
  readonly model: string;
  readonly key: string | null;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly retries: number;
}

class ChatEndpoint implements ChatModel {
  readonly name: string;
  readonly concurrency: number;
  readonly #settings: Settings;
  /** Some models take no temperature but their own; they say so once. */
  #takesTemperature = true;

  constructor(settings: Settings) {
    this.name = `${settings.model} at ${settings.url.host}`;
    this.concurrency = settings.concurrency;
    this.#settings = settings;
  }

  async answer(messages: readonly ChatMessage[], { temperature, signal }: ChatOptions): Promise<string> {
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      const outcome = await this.#post(messages, temperature, signal);
      if ('content' in outcome) return outcome.content;
      if (outcome.withoutTemperature) {
        this.#takesTemperature = false;
        continue;
      }
      if (!outcome.passing || attempt >= this.#settings.retries) throw this.#failure(outcome, attempt);
      await sleep(outcome.waitMs ?? backOffMs(attempt), undefined, signal && { signal }).catch(() =>
        signal?.throwIfAborted(),
      );
    }
  }

  async close(): Promise<void> {}

  async #post(
    messages: readonly ChatMessage[],
    temperature: number,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly content: string } | Failure> {
    const { url, model, key, timeoutMs } = this.#settings;
    const timeout = AbortSignal.timeout(timeoutMs);
    const settings = this.#takesTemperature ? { temperature } : {};
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...(key !== null && { Authorization: `Bearer ${key}` }) },
        body: JSON.stringify({ model, messages, stream: false, ...settings }),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      const body = await response.text();
      return response.ok ? completionIn(body) : refusal(response, body, this.#takesTemperature);
    } catch (error) {
      signal?.throwIfAborted();
      if (timeout.aborted) {
        const reason = `it took longer than ${timeoutMs} ms`;
        return { reason, passing: true, advice: 'Allow it more time, or use a faster model.' };
      }
      return {
        reason: `it cannot be reached (${networkReason(error)})`,
        passing: true,
        advice: 'Check the address, and that the service runs.',
      };
    }
  }

  #failure({ reason, advice }: Failure, retries: number): NerRetrieverError {
    const { key } = this.#settings;
    const tried = retries === 0 ? '' : `, after ${retries + 1} tries`;
    const told = `${reason}${tried}`;
    return new NerRetrieverError('CHAT_FAILED', {
      chat: this.name,
      // Services have been seen to repeat the key that they refuse.
      reason: key === null ? told : told.replaceAll(key, '…'),
      advice,
    });
  }
}

interface Failure {
  readonly reason: string;
  readonly advice: string;
  /** May be gone at the next try. */
  readonly passing: boolean;
  /** What the service asked to wait. */
  readonly waitMs?: number | undefined;
  /** Only the temperature was refused. */
  readonly withoutTemperature?: boolean;
}

/** The text of an answer; null (a refusal, a call of a tool) is no text. */
function completionIn(body: string): { content: string } | Failure {
  const choice = (parsed(body) as Completion | null)?.choices?.[0];
  const content = choice?.message?.content;
  if (typeof content === 'string') return { content };
  if (choice?.message && (content === null || content === undefined)) return { content: '' };
  return {
    reason: `its answer is no chat completion (${excerpt(body)})`,
    advice: 'Name the base address of an OpenAI-compatible service; it mostly ends in /v1.',
    passing: false,
  };
}

interface Completion {
  readonly choices?: readonly { readonly message?: { readonly content?: unknown } }[];
}

function refusal({ status, statusText, headers }: Response, body: string, sentTemperature: boolean): Failure {
  const error = (parsed(body) as { error?: { message?: unknown; param?: unknown } | string } | null)?.error;
  const details = typeof error === 'object' && error !== null ? error : null;
  const told = typeof error === 'string' ? error : typeof details?.message === 'string' ? details.message : body;
  return {
    reason: `it answered ${[status, statusText].filter(Boolean).join(' ')} (${excerpt(told)})`,
    advice: adviceFor(status),
    passing: status === 408 || status === 429 || status >= 500,
    waitMs: retryAfterMs(headers.get('retry-after')),
    withoutTemperature: status === 400 && sentTemperature && details?.param === 'temperature',
  };
}

function adviceFor(status: number): string {
  if (status === 401 || status === 403)
    return 'Put a valid key into the environment variable OPENAI_API_KEY, or name a file that holds one.';
  if (status === 404) return "Check the address (it mostly ends in /v1) and the model's name.";
  if (status === 429) return 'Wait, or allow fewer requests at once.';
  if (status >= 500) return 'See what the service logs, and try again later.';
  return 'Change what it refuses.';
}

/** Half a second, then twice as long each time, and a little at random so that many do not come back at once. */
function backOffMs(attempt: number): number {
  return Math.min(longestWaitMs, 500 * 2 ** attempt) * (0.75 + Math.random() / 2);
}

const longestWaitMs = 60_000;

/** Seconds or a date; undefined where the service says nothing that can be read. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(longestWaitMs, Math.max(0, ms));
}

/** What lies beneath fetch's "fetch failed". */
function networkReason(error: unknown): string {
  const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
  return code ?? message;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function excerpt(body: string): string {
  const line = body.replace(/\s+/g, ' ').trim();
  if (line === '') return 'without a word';
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

function completionsUrl(base: string): URL {
  const url = typeof base === 'string' && URL.canParse(base) ? new URL(base) : null;
  const usable = url !== null && /^https?:$/.test(url.protocol);
  checkOption(usable, 'url', 'the http(s) address of an OpenAI-compatible service', base);
  const open = url as URL;
  const secret = open.username !== '' || open.password !== '';
  checkOption(!secret, 'url', 'an address without a name or password', 'one with them');
  open.pathname = `${open.pathname.replace(/\/+$/, '')}/chat/completions`;
  return open;
}

async function keyIn(file: string): Promise<string> {
  checkOption(typeof file === 'string' && file !== '', 'keyFile', 'the path of a file', file);
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : message;
    throw new NerRetrieverError('FILE_UNREADABLE', { file, reason }, { cause });
  }
  const key = keyOf(content, file);
  if (key === null) throw new NerRetrieverError('FILE_UNREADABLE', { file, reason: 'it holds no key' });
  return key;
}

/** A key as it can stand in a header, never shown; null where there is none. */
function keyOf(content: string | undefined, place: string): string | null {
  const key = content?.trim() ?? '';
  if (key === '') return null;
  checkOption(
    /^[\x21-\x7e]+$/.test(key),
    `the key in ${place}`,
    'one line of visible ASCII characters',
    'something else',
  );
  return key;
}

function isCount(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}
