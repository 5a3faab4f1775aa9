import { describe, expect, test } from 'vitest';
import type { ChatMessage, ChatModel } from './chat-model.js';
import {
  type GenerativeDetectorOptions,
  type MalformedGeneration,
  openGenerativeDetector,
} from './generative-detector.js';

/** A chat model that answers by a rule; what it was asked is kept. */
function chatOf(rule: (text: string, attempt: number) => string | Promise<string>, concurrency = 2) {
  const asked: { messages: readonly ChatMessage[]; temperature: number }[] = [];
  const state = { running: 0, mostAtOnce: 0, closed: 0 };
  const chat: ChatModel = {
    name: 'by rule',
    concurrency,
    async answer(messages, { temperature, signal }) {
      asked.push({ messages, temperature });
      state.running += 1;
      state.mostAtOnce = Math.max(state.mostAtOnce, state.running);
      try {
        const attempt = messages.filter(({ content }) => content.startsWith('That is not an exact copy')).length;
        const text = messages.filter(({ role }) => role === 'user').at(-1 - attempt)?.content ?? '';
        await new Promise((resolve) => setTimeout(resolve, 1));
        signal?.throwIfAborted();
        return await rule(text, attempt);
      } finally {
        state.running -= 1;
      }
    },
    async close() {
      state.closed += 1;
    },
  };
  return { chat, asked, state };
}

const markOslo = (text: string) => text.replaceAll('Oslo', '##Oslo##');

test('marks become mentions; texts without words ask nothing', async () => {
  const { chat, asked } = chatOf(markOslo);
  const detector = openGenerativeDetector({ chat });
  expect(detector.name).toBe('generative (by rule)');
  expect(await detector.detect(['In Oslo.', '', ' \n', 'Oslo, Oslo'])).toEqual([
    [{ start: 3, end: 7, text: 'Oslo' }],
    [],
    [],
    [
      { start: 0, end: 4, text: 'Oslo' },
      { start: 6, end: 10, text: 'Oslo' },
    ],
  ]);
  expect(asked.map(({ temperature }) => temperature)).toEqual([0, 0]);
  const messages = asked[0]?.messages ?? [];
  expect([messages[0]?.role, messages.at(-1)]).toEqual(['system', { role: 'user', content: 'In Oslo.' }]);
});

test('the examples of the prompt are well formed themselves', async () => {
  const { chat, asked } = chatOf(markOslo);
  await openGenerativeDetector({ chat }).detect(['In Oslo.']);
  const prompt = asked[0]?.messages.slice(1, -1) ?? [];
  const copies = new Map(
    prompt.flatMap(({ role, content }, at) => (role === 'user' ? [[content, prompt[at + 1]?.content ?? '']] : [])),
  );
  expect(copies.size).toBeGreaterThan(1);
  const malformed: MalformedGeneration[] = [];
  const detector = openGenerativeDetector({
    chat: chatOf((text) => copies.get(text) ?? '').chat,
    onMalformed: (each) => malformed.push(each),
  });
  const found = await detector.detect([...copies.keys()]);
  expect(malformed).toEqual([]);
  expect(found.flat().map(({ text }) => text)).toContain('Nobel Prize in Chemistry');
});

test('long texts go in passages of whole sentences, and offsets speak of the whole text', async () => {
  const text = `😀 ${'It rains a lot in Oslo, they say. '.repeat(200)}${'x'.repeat(2500)} Oslo ${'word '.repeat(500)}`;
  const { chat, asked, state } = chatOf(markOslo, 3);
  const [mentions = []] = await openGenerativeDetector({ chat }).detect([text]);
  expect(mentions).toHaveLength(201);
  for (const { start, end } of mentions) expect(text.slice(start, end)).toBe('Oslo');
  expect(mentions.map(({ start }) => start)).toEqual(mentions.map(({ start }) => start).toSorted((a, b) => a - b));
  const passages = asked.map(({ messages }) => messages.at(-1)?.content ?? '');
  expect(Math.max(...passages.map(({ length }) => length))).toBeLessThanOrEqual(1000);
  expect(passages[1]).toMatch(/^It rains/);
  expect(passages.length).toBeLessThan(20);
  expect(state.mostAtOnce).toBe(3);
});

describe('malformed answers', () => {
  test('are asked for again, with a reminder and some chance', async () => {
    const { chat, asked } = chatOf((text, attempt) => (attempt === 0 ? 'In ##Oslo' : markOslo(text)));
    const malformed: MalformedGeneration[] = [];
    const detector = openGenerativeDetector({ chat, onMalformed: (each) => malformed.push(each) });
    expect(await detector.detect(['In Oslo.'])).toEqual([[{ start: 3, end: 7, text: 'Oslo' }]]);
    expect(malformed).toEqual([]);
    expect(asked).toHaveLength(2);
    expect(asked[1]?.temperature).toBeGreaterThan(0);
    expect(asked[1]?.messages.slice(-2)).toEqual([
      { role: 'assistant', content: 'In ##Oslo' },
      { role: 'user', content: expect.stringContaining('exact copy') },
    ]);
  });

  test('that stay so are reported, and their good marks count', async () => {
    const answers = ['no idea', 'In ##Oslo## and ##Rom', '##Oslo## ##Paris##'];
    const { chat, asked } = chatOf((_, attempt) => answers[attempt] ?? '');
    const malformed: MalformedGeneration[] = [];
    const detector = openGenerativeDetector({ chat, onMalformed: (each) => malformed.push(each) });
    const text = `${'So it is. '.repeat(99)}\nIn Oslo and Rome it is.`;
    const long = text.length - 24;
    const [mentions = []] = await detector.detect([text]);
    expect(mentions).toEqual([{ start: long + 4, end: long + 8, text: 'Oslo' }].filter(() => mentions.length > 0));
    expect(mentions).toHaveLength(1);
    expect(asked).toHaveLength(6);
    expect(malformed).toHaveLength(2);
    expect(malformed.find(({ start }) => start > 0)).toMatchObject({
      text: 'In Oslo and Rome it is.',
      generation: 'In ##Oslo## and ##Rom',
      failures: [{ reason: 'unpaired', marked: 'and ##Rom' }],
      copied: false,
      found: 1,
      attempts: 3,
    });
  });

  test('so often as is wanted', async () => {
    const { chat, asked } = chatOf(() => 'no');
    await openGenerativeDetector({ chat, attempts: 1 }).detect(['In Oslo.']);
    expect(asked).toHaveLength(1);
  });
});

test("a model's own prompt", async () => {
  const { chat, asked } = chatOf(markOslo);
  const prompt = [{ role: 'system', content: 'You are a helpful assistant.' }] as const;
  await openGenerativeDetector({ chat, prompt }).detect(['In Oslo.']);
  expect(asked[0]?.messages).toEqual([...prompt, { role: 'user', content: 'In Oslo.' }]);
});

test('a failure ends the call, and what waits is not asked for', async () => {
  const { chat, asked } = chatOf(() => Promise.reject(new Error('broken')), 1);
  const detector = openGenerativeDetector({ chat });
  await expect(detector.detect(Array.from({ length: 50 }, (_, at) => `In Oslo ${at}.`))).rejects.toThrow('broken');
  expect(asked).toHaveLength(1);
});

test('an abort ends the call with its reason', async () => {
  const { chat, asked } = chatOf(markOslo, 1);
  const controller = new AbortController();
  const detecting = openGenerativeDetector({ chat }).detect(
    Array.from({ length: 50 }, (_, at) => `In Oslo ${at}.`),
    { signal: controller.signal },
  );
  controller.abort(new Error('enough'));
  await expect(detecting).rejects.toThrow('enough');
  expect(asked.length).toBeLessThanOrEqual(1);
});

test('close waits for the calls in flight, once, and then there is no more', async () => {
  const { chat, state } = chatOf(markOslo);
  const detector = openGenerativeDetector({ chat });
  const detecting = detector.detect(['In Oslo.']);
  await Promise.all([detector.close(), detector.close()]);
  expect(await detecting).toHaveLength(1);
  expect(state.closed).toBe(1);
  await expect(detector.detect(['In Oslo.'])).rejects.toMatchObject({ code: 'CLOSED' });
});

test.each([
  [{ chat: {} }, 'OPTION_INVALID'],
  [{ chat: chatOf(markOslo).chat, attempts: 0 }, 'OPTION_INVALID'],
  [{ chat: chatOf(markOslo).chat, onMalformed: 'log' }, 'OPTION_INVALID'],
  [{ chat: chatOf(markOslo).chat, retries: 3 }, 'OPTION_UNKNOWN'],
])('wrong options %#', (options, code) => {
  const open = () => openGenerativeDetector(options as unknown as GenerativeDetectorOptions);
  expect(open).toThrow(expect.objectContaining({ code }));
});
