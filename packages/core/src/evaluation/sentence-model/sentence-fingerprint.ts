import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { externalDataLocationsOf } from '../../model/external-data-locations.js';
import type { SentenceSettings } from './sentence-settings.js';

/** `sha256:…` over everything that decides a sentence's vector. */
export async function sentenceFingerprint(settings: SentenceSettings): Promise<string> {
  const { graph, tokenizer, head, maximumTokens, pooling, prompts } = settings;
  const weights = externalDataLocationsOf(graph).map((location) => join(dirname(graph), location));
  const files = await Promise.all([graph, tokenizer, ...(head === null ? [] : [head]), ...weights].map(sha256));
  return `sha256:${createHash('sha256')
    .update(JSON.stringify([files, maximumTokens, pooling, prompts]))
    .digest('hex')}`;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
