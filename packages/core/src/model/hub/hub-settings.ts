import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { checkOption } from '../../check-options.js';

/** Where the Hugging Face hub is, and where what came from it lies: the hub client's own environment variables. */
export interface HubSettings {
  /** Without a slash at the end. */
  readonly endpoint: string;
  /** Absolute path of the folder of `models--owner--name` folders. */
  readonly cache: string;
  /** Never logged, never in a message, sent to the endpoint alone. */
  readonly token: string | null;
  readonly offline: boolean;
}

type Environment = { readonly [name: string]: string | undefined };

/** @throws NerRetrieverError OPTION_INVALID where HF_ENDPOINT is no address. */
export function hubSettings(environment: Environment = process.env): HubSettings {
  const value = (name: string) => environment[name]?.trim() || undefined;
  const isSet = (name: string) => /^(1|on|yes|true)$/i.test(value(name) ?? '');
  const path = (name: string) => value(name)?.replace(/^~(?=$|[\\/])/, homedir());

  const endpoint = (value('HF_ENDPOINT') ?? 'https://huggingface.co').replace(/\/+$/, '');
  const isAddress = URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol);
  checkOption(isAddress, 'HF_ENDPOINT', 'an address that begins with https:// or http://', endpoint);

  const home = path('HF_HOME') ?? join(path('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface');
  const cache = path('HF_HUB_CACHE') ?? path('HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub');
  const token = isSet('HF_HUB_DISABLE_IMPLICIT_TOKEN')
    ? null
    : (value('HF_TOKEN') ??
      value('HUGGING_FACE_HUB_TOKEN') ??
      storedToken(path('HF_TOKEN_PATH') ?? join(home, 'token')));
  // What `fetch` says of a header that it cannot send holds the header.
  checkOption(token === null || /^[\x21-\x7e]+$/.test(token), 'HF_TOKEN', 'a token without spaces', 'another one');
  return { endpoint, cache: resolve(cache), token, offline: isSet('HF_HUB_OFFLINE') };
}

/** What `hf auth login` wrote. */
function storedToken(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null;
  } catch {
    return null;
  }
}
