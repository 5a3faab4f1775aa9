import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { chatService, complete, reply } from '../../test-support/chat-service.js';
import type { NerRetrieverError } from '../errors.js';
import { type ChatEndpointOptions, openChatEndpoint } from './chat-endpoint.js';
import { openGenerativeDetector } from './generative-detector.js';

const key = 'sk-test-4711';
const question = [{ role: 'user', content: 'In Oslo.' }] as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chat-endpoint-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

const ask = async (options: Partial<ChatEndpointOptions> & { url: string }, signal?: AbortSignal) => {
  vi.stubEnv('OPENAI_API_KEY', key);
  const chat = await openChatEndpoint({ model: 'small', ...options });
  return chat.answer(question, { temperature: 0, ...(signal && { signal }) });
};

async function failure(work: Promise<unknown>): Promise<NerRetrieverError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'CHAT_FAILED' });
  expect(`${(error as Error).message} ${JSON.stringify(error)}`).not.toContain(key);
  return error as NerRetrieverError;
}

test('speaks the protocol, with the key in its header alone', async () => {
  await using service = await chatService((_, response) => complete(response, 'In ##Oslo##.'));
  expect(await ask({ url: `${service.url}/` })).toBe('In ##Oslo##.');
  const [request] = service.requests;
  expect(request?.path).toBe('POST /v1/chat/completions');
  expect(request?.headers.authorization).toBe(`Bearer ${key}`);
  expect(request?.body).toEqual({ model: 'small', messages: question, stream: false, temperature: 0 });
});

test('a detector over it', async () => {
  await using service = await chatService(({ body }, response) => {
    complete(response, body.messages.at(-1)?.content.replaceAll('Oslo', '##Oslo##') ?? '');
  });
  const detector = openGenerativeDetector({ chat: await openChatEndpoint({ url: service.url, model: 'small' }) });
  expect(detector.name).toBe(`generative (small at ${service.host})`);
  expect(await detector.detect(['In Oslo.', 'Nowhere.'])).toEqual([[{ start: 3, end: 7, text: 'Oslo' }], []]);
  await detector.close();
});

describe('the key', () => {
  test('from a file', async () => {
    await using service = await chatService((_, response) => complete(response, 'x'));
    const keyFile = join(folder, 'key');
    await writeFile(keyFile, 'sk-of-file\n');
    await ask({ url: service.url, keyFile });
    expect(service.requests[0]?.headers.authorization).toBe('Bearer sk-of-file');
  });

  test('none where there is none', async () => {
    await using service = await chatService((_, response) => complete(response, 'x'));
    vi.stubEnv('OPENAI_API_KEY', undefined);
    const chat = await openChatEndpoint({ url: service.url, model: 'small' });
    await chat.answer(question, { temperature: 0 });
    expect(service.requests[0]?.headers.authorization).toBeUndefined();
  });

  test('refused: says where to put it, and never shows it', async () => {
    await using service = await chatService(({ headers }, response) => {
      reply(response, 401, { error: { message: `Incorrect API key provided: ${headers.authorization}` } });
    });
    const { message, details } = await failure(ask({ url: service.url }));
    expect(message).toContain(`The chat model small at ${service.host} gave no answer: it answered 401`);
    expect(message).toContain('OPENAI_API_KEY');
    expect(details.reason).toContain('Incorrect API key provided: Bearer …');
    expect(service.requests).toHaveLength(1);
  });

  test('a file that is none, or holds none, or something else', async () => {
    const url = 'http://127.0.0.1:9/v1';
    const open = (keyFile: string) => openChatEndpoint({ url, model: 'small', keyFile });
    await expect(open(join(folder, 'none'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await writeFile(join(folder, 'empty'), '\n');
    await expect(open(join(folder, 'empty'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await writeFile(join(folder, 'wrong'), 'sk-one\nsk-two\n');
    const error = await open(join(folder, 'wrong')).catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: 'OPTION_INVALID' });
    expect((error as Error).message).not.toContain('sk-');
  });
});

describe('what passes is tried again', () => {
  test('429 and then an answer, after as long as it asks', async () => {
    await using service = await chatService((_, response, number) => {
      if (number === 1) reply(response, 429, { error: { message: 'slow down' } }, { 'Retry-After': '1' });
      else if (number === 2) reply(response, 429, {}, { 'Retry-After': new Date(Date.now() - 5000).toUTCString() });
      else complete(response, 'at last');
    });
    const startedAt = performance.now();
    expect(await ask({ url: service.url })).toBe('at last');
    expect(performance.now() - startedAt).toBeGreaterThan(950);
    expect(service.requests).toHaveLength(3);
  });

  test('500s to the end', async () => {
    await using service = await chatService((_, response) => reply(response, 500, 'out of memory'));
    const { message } = await failure(ask({ url: service.url, retries: 1 }));
    expect(message).toContain('it answered 500 Internal Server Error (out of memory), after 2 tries');
    expect(service.requests).toHaveLength(2);
  });

  test('a connection that breaks, and one that is refused', async () => {
    await using service = await chatService((_, response, number) => {
      if (number === 1) response.destroy();
      else complete(response, 'here');
    });
    expect(await ask({ url: service.url })).toBe('here');
    const { message } = await failure(ask({ url: 'http://127.0.0.1:9/v1', retries: 0 }));
    expect(message).toMatch(/127\.0\.0\.1:9 gave no answer: it cannot be reached \(.+\)\. Check the address/);
  });

  test('an answer that takes too long', async () => {
    await using service = await chatService((_, response, number) => {
      if (number > 1) complete(response, 'quick');
    });
    expect(await ask({ url: service.url, timeoutMs: 200 })).toBe('quick');
    await using silent = await chatService(() => {});
    const { message } = await failure(ask({ url: silent.url, timeoutMs: 100, retries: 0 }));
    expect(message).toContain('it took longer than 100 ms');
  });
});

test('an abort ends a request that hangs, and a wait', async () => {
  await using silent = await chatService(() => {});
  await expect(ask({ url: silent.url }, AbortSignal.timeout(100))).rejects.toMatchObject({ name: 'TimeoutError' });
  await using busy = await chatService((_, response) => reply(response, 429, {}, { 'Retry-After': '30' }));
  const startedAt = performance.now();
  await expect(ask({ url: busy.url }, AbortSignal.timeout(200))).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

describe('answers that are none', () => {
  test.each(['<html>Welcome</html>', '{"choices": []}', '{"choices": [{"text": "old"}]}', '[1', ''])(
    '%j',
    async (body) => {
      await using service = await chatService((_, response) => reply(response, 200, body));
      const { message } = await failure(ask({ url: service.url }));
      expect(message).toContain('its answer is no chat completion (');
      expect(message).toContain('/v1');
      expect(service.requests).toHaveLength(1);
    },
  );

  test('a refusal is an answer without text', async () => {
    await using service = await chatService((_, response) => complete(response, null));
    expect(await ask({ url: service.url })).toBe('');
  });

  test('a model that is not there', async () => {
    await using service = await chatService((_, response) =>
      reply(response, 404, { error: 'model "small" not found' }),
    );
    const { message } = await failure(ask({ url: service.url }));
    expect(message).toContain('404 Not Found (model "small" not found). Check the address');
  });
});

test('a model that takes no temperature but its own gets none', async () => {
  await using service = await chatService(({ body }, response) => {
    if (body.temperature === undefined) complete(response, 'mine');
    else reply(response, 400, { error: { message: 'only 1', param: 'temperature', code: 'unsupported_value' } });
  });
  vi.stubEnv('OPENAI_API_KEY', key);
  const chat = await openChatEndpoint({ url: service.url, model: 'o' });
  expect(await chat.answer(question, { temperature: 0 })).toBe('mine');
  expect(await chat.answer(question, { temperature: 0.4 })).toBe('mine');
  expect(service.requests).toHaveLength(3);
});

test.each([
  [{ url: 'localhost:8000', model: 'm' }, 'OPTION_INVALID'],
  [{ url: 'ftp://a/v1', model: 'm' }, 'OPTION_INVALID'],
  [{ url: 'https://user:sk-secret@a/v1', model: 'm' }, 'OPTION_INVALID'],
  [{ url: 'http://a/v1' }, 'OPTION_INVALID'],
  [{ url: 'http://a/v1', model: 'm', concurrency: 0 }, 'OPTION_INVALID'],
  [{ url: 'http://a/v1', model: 'm', key: 'sk-secret' }, 'OPTION_UNKNOWN'],
])('wrong options %#', async (options, code) => {
  const error = await openChatEndpoint(options as ChatEndpointOptions).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code });
  expect((error as Error).message).not.toContain('sk-secret');
});
