import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { isHubId, parseHubReference } from './hub-reference.js';

const before = process.cwd();
afterAll(() => process.chdir(before));

test.each(['meta-llama/Llama-3.1-8B', 'gpt2', 'onnx-community/Llama-3.2-1B-Instruct-ONNX', 'a/b@refs/pr/1'])(
  '%s is an id',
  (source) => {
    expect(isHubId(source)).toBe(true);
  },
);

test.each([
  './model',
  '../model',
  '/models/tiny',
  '~/model',
  '~',
  'a/b/c',
  'a\\b',
  'C:/models',
  '',
  '.',
  'a--b/c',
  'models/',
  'a b/c',
])('%s is a path', (source) => {
  expect(isHubId(source)).toBe(false);
});

test('a folder that exists is no id', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'reference-'));
  process.chdir(directory);
  await mkdir('owner/name', { recursive: true });
  expect(isHubId('owner/name')).toBe(false);
  expect(isHubId('owner/other')).toBe(true);
  process.chdir(before);
  await rm(directory, { recursive: true });
});

test('an id may name its revision', () => {
  expect(parseHubReference('a/b')).toEqual({ id: 'a/b', revision: 'main' });
  expect(parseHubReference('a/b@v1')).toEqual({ id: 'a/b', revision: 'v1' });
  expect(parseHubReference('a/b', 'v1')).toEqual({ id: 'a/b', revision: 'v1' });
  for (const wrong of ['a/b@', 'a/b@..', 'a/b@x//y', 'a/b@x y', 'a//b', '@v1']) {
    expect(() => parseHubReference(wrong), wrong).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
  }
});
