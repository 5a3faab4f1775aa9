import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { NerRetrieverError } from '@ner-retriever/core/errors';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createServer, type ServedRetriever, type ServerOptions } from './create-server.js';
import { serve } from './serve.js';

const hit = {
  id: 'a',
  score: 0.81,
  mention: { start: 0, end: 11, text: 'Microraptor' },
  document: { id: 'a', text: 'Microraptor was found in Liaoning.' },
};

function served(parts: Partial<Record<keyof ServedRetriever, unknown>> = {}): ServedRetriever {
  return {
    info: () => ({ documents: 1, mentions: 2 }),
    search: vi.fn(async () => ({ hits: [hit], elapsedMs: 1 })),
    searchMany: vi.fn(async (descriptions: string[]) => descriptions.map(() => ({ hits: [hit] }))),
    ...parts,
  } as unknown as ServedRetriever;
}

const local = { host: 'localhost:8080' };
const server = (options: Partial<ServerOptions> = {}) => createServer({ retriever: served(), ...options });
const search = (body: unknown, headers: Record<string, string> = {}, options: Partial<ServerOptions> = {}) =>
  server(options).inject({
    method: 'POST',
    url: '/v1/search',
    headers: { ...local, 'content-type': 'application/json', ...headers },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('answers', () => {
  test('health and info', async () => {
    const health = await server().inject({ url: '/health', headers: local });
    expect([health.statusCode, health.json()]).toEqual([200, { status: 'ok' }]);
    const info = await server().inject({ url: '/v1/info', headers: local });
    expect([info.statusCode, info.json()]).toEqual([200, { documents: 1, mentions: 2 }]);
  });

  test('one query: hits with their mentions and documents', async () => {
    const retriever = served();
    const answer = await search({ query: 'dinosaur', limit: 3, minScore: 0.2 }, {}, { retriever });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ hits: [hit], elapsedMs: 1 });
    expect(retriever.search).toHaveBeenCalledWith('dinosaur', { limit: 3, minScore: 0.2 });
  });

  test('the estimated cut-off is asked for and answered, of one query and of many', async () => {
    const cutOff = { minScore: 0.7, documents: 12 };
    const retriever = served();
    vi.mocked(retriever.search).mockResolvedValue({ hits: [hit], cutOff, elapsedMs: 1 } as never);
    vi.mocked(retriever.searchMany).mockResolvedValue([{ hits: [hit], cutOff }] as never);
    const one = await search({ query: 'dinosaur', minScore: 'auto' }, {}, { retriever });
    expect(one.json()).toEqual({ hits: [hit], cutOff, elapsedMs: 1 });
    expect(retriever.search).toHaveBeenCalledWith('dinosaur', { limit: 10, minScore: 'auto' });
    const many = await search({ queries: ['river'], minScore: 'auto' }, {}, { retriever });
    expect(many.json().results).toEqual([{ query: 'river', hits: [hit], cutOff }]);
  });

  test('the mode goes with one query and with many', async () => {
    const retriever = served();
    expect((await search({ query: 'dinosaur', mode: 'hybrid' }, {}, { retriever })).statusCode).toBe(200);
    expect(retriever.search).toHaveBeenCalledWith('dinosaur', { limit: 10, mode: 'hybrid' });
    expect((await search({ queries: ['river'], mode: 'vectors' }, {}, { retriever })).statusCode).toBe(200);
    expect(retriever.searchMany).toHaveBeenCalledWith(['river'], { limit: 10, mode: 'vectors' });
  });

  test('combinations and filters go on as they came', async () => {
    const retriever = served();
    const query = { all: ['company'], not: ['bank'], examples: [{ text: 'Fiat won.', start: 0, end: 4 }] };
    const where = { year: { $gte: 2000 }, $or: [{ tags: 'x' }, { $not: { lang: 'en' } }] };
    expect((await search({ query, where }, {}, { retriever })).statusCode).toBe(200);
    expect(retriever.search).toHaveBeenCalledWith(query, { limit: 10, where });
    const answer = await search({ queries: ['river', query], where: {} }, {}, { retriever });
    expect(answer.json().results.map((result: { query: unknown }) => result.query)).toEqual(['river', query]);
    expect(retriever.searchMany).toHaveBeenCalledWith(['river', query], { limit: 10, where: {} });
  });

  test('many queries: one result each, in order', async () => {
    const retriever = served();
    const answer = await search({ queries: ['dinosaur', 'river'] }, {}, { retriever });
    expect(answer.json()).toMatchObject({
      results: [
        { query: 'dinosaur', hits: [hit] },
        { query: 'river', hits: [hit] },
      ],
    });
    expect(retriever.searchMany).toHaveBeenCalledWith(['dinosaur', 'river'], { limit: 10 });
  });
});

describe('refuses bodies that do not fit', () => {
  test.each([
    ['an unknown field', { query: 'x', limt: 3 }, 'OPTION_UNKNOWN', /Unknown option "limt" for POST \/v1\/search/],
    ['no query', { limit: 3 }, 'REQUEST_INVALID', /either query or queries/],
    ['both', { query: 'x', queries: ['y'] }, 'REQUEST_INVALID', /either query or queries/],
    ['an empty query', { query: '' }, 'REQUEST_INVALID', /query/],
    ['a number for text', { query: 7 }, 'REQUEST_INVALID', /query: must be string/],
    ['a number among texts', { queries: ['x', 7] }, 'REQUEST_INVALID', /queries\.1: must be string/],
    ['a filter that is no object', { query: 'x', where: 'lang=en' }, 'REQUEST_INVALID', /where: must be object/],
    ['text for a number', { query: 'x', limit: '3' }, 'REQUEST_INVALID', /limit: must be integer/],
    ['a truth for a number', { query: 'x', minScore: true }, 'REQUEST_INVALID', /minScore: must be number/],
    ['a limit of none', { query: 'x', limit: 0 }, 'REQUEST_INVALID', /limit: must be >= 1/],
    ['a limit beyond all', { query: 'x', limit: 1e9 }, 'REQUEST_INVALID', /limit: must be <= 1000/],
    [
      'more hits than one answer may hold',
      { queries: Array(11).fill('x'), limit: 1000 },
      'REQUEST_INVALID',
      /at most 10000 hits/,
    ],
    ['an unknown mode', { query: 'x', mode: 'words' }, 'REQUEST_INVALID', /mode: must be vectors or hybrid/],
    ['no queries', { queries: [] }, 'REQUEST_INVALID', /queries/],
    ['an array', ['x'], 'REQUEST_INVALID', /must be object/],
    ['broken JSON', '{"query": ', 'REQUEST_INVALID', /the body/],
    ['nothing', '', 'REQUEST_INVALID', /the body/],
    ['a poisoned prototype', '{"query": "x", "__proto__": {"a": 1}}', 'REQUEST_INVALID', /the body/],
  ])('%s', async (_, body, code, message) => {
    const answer = await search(body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toEqual({
      error: { code, message: expect.stringMatching(message), details: expect.any(Object) },
    });
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
  ])('of type %s: 415', async (type) => {
    const answer = await search({ query: 'x' }, { 'content-type': type });
    expect([answer.statusCode, answer.json().error.code]).toEqual([415, 'BODY_TYPE_REFUSED']);
  });

  test('of no type: 415', async () => {
    const answer = await server().inject({
      method: 'POST',
      url: '/v1/search',
      headers: local,
      payload: Buffer.from('{"query":"x"}'),
    });
    expect(answer.statusCode).toBe(415);
  });

  test('JSON with a charset is JSON', async () => {
    expect((await search({ query: 'x' }, { 'content-type': 'application/json; charset=utf-8' })).statusCode).toBe(200);
  });

  test('beyond the limit: 413', async () => {
    const answer = await search({ query: 'x'.repeat(2 ** 20) });
    expect([answer.statusCode, answer.json().error.code]).toEqual([413, 'BODY_TOO_LARGE']);
  });
});

describe('Host and Origin', () => {
  const get = (headers: Record<string, string>, options: Partial<ServerOptions> = {}) =>
    server(options).inject({ url: '/health', headers });

  test.each(['localhost', 'localhost:8080', '127.0.0.1:8080', '[::1]:8080', 'LOCALHOST:1234'])(
    '%s may be called',
    async (host) => {
      expect((await get({ host })).statusCode).toBe(200);
    },
  );

  test.each([
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil@localhost',
    '0.0.0.0:8080',
  ])('the name "%s" is not ours: 403', async (host) => {
    const answer = await get({ host });
    expect([answer.statusCode, answer.json().error.code]).toEqual([403, 'HOST_REFUSED']);
  });

  test('the bound address and listed names may be called', async () => {
    expect((await get({ host: '192.0.2.7:80' }, { host: '192.0.2.7' })).statusCode).toBe(200);
    expect((await get({ host: '[2001:db8::7]:80' }, { host: '2001:db8::7' })).statusCode).toBe(200);
    expect((await get({ host: '192.0.2.7:80' }, { host: '0.0.0.0' })).statusCode).toBe(403);
    const allowed = { allowedHosts: ['search.example', 'other.example:81'] };
    expect((await get({ host: 'search.example:443' }, allowed)).statusCode).toBe(200);
    expect((await get({ host: 'other.example:81' }, allowed)).statusCode).toBe(200);
    expect((await get({ host: 'other.example:82' }, allowed)).statusCode).toBe(403);
  });

  test.each(['http://localhost:8080', 'https://localhost:8080'])('a page of our own, %s, may call', async (origin) => {
    expect((await search({ query: 'x' }, { origin })).statusCode).toBe(200);
  });

  test.each(['http://evil.example', 'http://localhost:3000', 'http://localhost', 'null', 'http://127.0.0.1:8080'])(
    'a page of %s may not: 403',
    async (origin) => {
      const answer = await search({ query: 'x' }, { origin });
      expect([answer.statusCode, answer.json().error.code]).toEqual([403, 'ORIGIN_REFUSED']);
    },
  );

  test('a listed origin may call', async () => {
    const answer = await search(
      { query: 'x' },
      { origin: 'https://app.example' },
      { allowedOrigins: ['https://app.example'] },
    );
    expect(answer.statusCode).toBe(200);
  });

  test('unknown paths are behind the same rules', async () => {
    expect((await server().inject({ url: '/nothing', headers: { host: 'evil.example' } })).statusCode).toBe(403);
    const answer = await server().inject({ url: '/nothing', headers: local });
    expect([answer.statusCode, answer.json().error.code]).toEqual([404, 'ROUTE_UNKNOWN']);
  });
});

describe('errors', () => {
  test("the retriever's own keep their code and status", async () => {
    const retriever = served({
      search: async () => {
        throw new NerRetrieverError('DESCRIPTION_EMPTY', { description: ' ', index: 0 });
      },
    });
    const answer = await search({ query: ' ' }, {}, { retriever });
    expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'DESCRIPTION_EMPTY']);
  });

  test('unforeseen ones say nothing to the caller and all to the service', async () => {
    const fault = new Error('secret path');
    const retriever = served({
      search: async () => {
        throw fault;
      },
    });
    const onUnexpectedError = vi.fn();
    const answer = await search({ query: 'x' }, {}, { retriever, onUnexpectedError });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain('secret');
    expect(onUnexpectedError).toHaveBeenCalledWith(fault);
  });
});

describe('on a real socket', () => {
  let close = async () => {};
  afterEach(() => close());

  test('listens on loopback, answers, and ends in order: what is under way is answered', async () => {
    let answerNow = () => {};
    const retriever = served({
      search: () =>
        new Promise((resolve) => {
          answerNow = () => resolve({ hits: [hit], elapsedMs: 1 });
        }),
    });
    const service = await serve({ retriever, port: 0 });
    close = service.close;
    expect(service.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(`${service.url}/health`)).json()).toEqual({ status: 'ok' });

    const underWay = fetch(`${service.url}/v1/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"dinosaur"}',
    });
    await vi.waitUntil(() => String(answerNow).includes('resolve'));
    process.emit('SIGTERM', 'SIGTERM');
    answerNow();
    expect((await underWay).status).toBe(200);
    await service.closed;
    await expect(fetch(`${service.url}/health`)).rejects.toThrow();
  });

  test('a request of raw bytes with a foreign Host is refused', async () => {
    const service = await serve({ retriever: served(), port: 0 });
    close = service.close;
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.end('GET /v1/info HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n');
    expect(await textOf(socket)).toMatch(/^HTTP\/1\.1 403 /);
    const nameless = connect(Number(new URL(service.url).port), '127.0.0.1');
    nameless.end('GET /v1/info HTTP/1.0\r\n\r\n');
    expect(await textOf(nameless)).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('a taken port is named', async () => {
    const service = await serve({ retriever: served(), port: 0 });
    close = service.close;
    const port = Number(new URL(service.url).port);
    await expect(serve({ retriever: served(), port })).rejects.toThrow(`Cannot listen on 127.0.0.1:${port}`);
  });
});
