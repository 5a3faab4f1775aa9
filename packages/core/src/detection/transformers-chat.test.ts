import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeTinyChatModel } from '../../test-support/tiny-chat-model.js';
import { type MalformedGeneration, openGenerativeDetector } from './generative-detector.js';
import { openTransformersChat } from './transformers-chat.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tiny-chat-'));
  await writeTinyChatModel(folder, ['It', 'rains', 'in', '##Oslo##', 'today']);
});
afterAll(() => rm(folder, { recursive: true }));

test('an answer is what the model adds to the question, and nothing of the question', async () => {
  const chat = await openTransformersChat(folder);
  expect(chat.name).toMatch(/^tiny-chat-\w+ in this process$/);
  const question = [{ role: 'user', content: 'It rains in ##Oslo## today' }] as const;
  expect(await chat.answer(question, { temperature: 0 })).toBe('It rains in ##Oslo## today');
  const longer = [{ role: 'system', content: 'It rains '.repeat(200) }, ...question] as const;
  expect(await chat.answer(longer, { temperature: 0.4 })).toBe('It rains in ##Oslo## today');
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(chat.answer(question, { temperature: 0, signal })).rejects.toThrow('enough');
  await chat.close();
});

test('a detector over it', async () => {
  const malformed: MalformedGeneration[] = [];
  const detector = openGenerativeDetector({
    chat: await openTransformersChat(folder),
    onMalformed: (each) => malformed.push(each),
  });
  const oslo = { start: 12, end: 16, text: 'Oslo' };
  expect(await detector.detect(['It rains in Oslo today', 'Oslo is dry', '😀 Oslo'])).toEqual([
    [oslo],
    [{ ...oslo, start: 0, end: 4 }],
    [{ ...oslo, start: 3, end: 7 }],
  ]);
  expect(malformed.map(({ text, copied }) => [text, copied])).toEqual([
    ['Oslo is dry', false],
    ['😀 Oslo', false],
  ]);
  await detector.close();
});

test('an abort ends an answer under way', async () => {
  const endless = await mkdtemp(join(tmpdir(), 'tiny-chat-'));
  try {
    // "on" makes itself the next word: only the limit ends it.
    await writeTinyChatModel(endless, ['on', 'on']);
    const chat = await openTransformersChat(endless);
    const question = [{ role: 'user', content: 'on '.repeat(20_000) }] as const;
    const controller = new AbortController();
    const answer = chat.answer(question, { temperature: 0, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 200);
    await expect(answer).rejects.toThrow('enough');
    await chat.close();
  } finally {
    await rm(endless, { recursive: true });
  }
});

test('a folder that is none, and a model without a chat template', async () => {
  await expect(openTransformersChat(join(folder, 'onnx'))).rejects.toMatchObject({ code: 'CHAT_FAILED' });
  const base = await mkdtemp(join(tmpdir(), 'tiny-base-'));
  try {
    await writeTinyChatModel(base, ['on']);
    await writeFile(join(base, 'tokenizer_config.json'), '{"tokenizer_class": "PreTrainedTokenizerFast"}');
    await expect(openTransformersChat(base)).rejects.toMatchObject({
      code: 'CHAT_FAILED',
      message: expect.stringContaining('has no chat template. Name a folder'),
    });
  } finally {
    await rm(base, { recursive: true });
  }
});

test('without the package: how to install it', async () => {
  // A process of its own, for which the package does not exist.
  const script = `
    import { registerHooks } from 'node:module';
    registerHooks({ resolve(name, context, next) {
      return next(name, name === '@huggingface/transformers' ? { ...context, parentURL: 'file:///nowhere/of.js' } : context);
    } });
    const { openTransformersChat } = await import(${JSON.stringify(built)});
    await openTransformersChat('some/model').catch(({ code, message }) => console.log(JSON.stringify({ code, message })));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  expect(JSON.parse(stdout)).toEqual({
    code: 'PACKAGE_MISSING',
    message:
      'A chat model in this process needs the package @huggingface/transformers, which is not installed. Install it: npm install @huggingface/transformers@4.3.1',
  });
});

const built = fileURLToPath(new URL('../../dist/detection/index.js', import.meta.url));
