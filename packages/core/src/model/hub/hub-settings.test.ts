import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { hubSettings } from './hub-settings.js';

/** No file of this machine is read for the token. */
const settings = (environment: { [name: string]: string }) => hubSettings({ HF_TOKEN: 'hf_x', ...environment });

test('are those of the hub client', () => {
  expect(settings({})).toEqual({
    endpoint: 'https://huggingface.co',
    cache: join(homedir(), '.cache/huggingface/hub'),
    token: 'hf_x',
    offline: false,
  });
  expect(settings({ XDG_CACHE_HOME: '/cache' }).cache).toBe(resolve('/cache/huggingface/hub'));
  expect(settings({ HF_HOME: '~/hf' }).cache).toBe(join(homedir(), 'hf/hub'));
  expect(settings({ HF_HOME: '/a', HF_HUB_CACHE: '/b' }).cache).toBe(resolve('/b'));
  expect(settings({ HF_ENDPOINT: 'https://mirror.example/hub/' }).endpoint).toBe('https://mirror.example/hub');
  expect(settings({ HF_HUB_OFFLINE: 'YES' }).offline).toBe(true);
  expect(settings({ HF_HUB_OFFLINE: '0' }).offline).toBe(false);
  expect(settings({ HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }).token).toBeNull();
});

test('an endpoint that is no address is refused', () => {
  for (const wrong of ['huggingface.co', 'file:///etc', 'ftp://x']) {
    expect(() => settings({ HF_ENDPOINT: wrong })).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
  }
});

test('a token that is none is refused, and not shown', () => {
  const token = 'hf_two\nlines';
  expect(() => settings({ HF_TOKEN: token })).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
  expect(() => settings({ HF_TOKEN: token })).not.toThrow('hf_two');
});
