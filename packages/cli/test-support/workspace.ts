import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';

/** A model with random weights: what it finds means nothing, how it is treated does. */
export const tinyModel = fileURLToPath(new URL('../../../test/fixtures/tiny-model', import.meta.url));

/** A sentence model with random weights. */
export const sentenceModel = fileURLToPath(new URL('../../../test/fixtures/sentence-model', import.meta.url));

/** A folder for the files of one test file. */
export function workspace() {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ner-retriever-cli-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    async file(name: string, content: string | Uint8Array): Promise<string> {
      await writeFile(path(name), content);
      return path(name);
    },
    /** JSON Lines. */
    async lines(name: string, documents: readonly unknown[]): Promise<string> {
      await writeFile(path(name), documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
      return path(name);
    },
  };
}

/** A document whose mentions are all places of the given strings, in the order of the strings. */
export function documentOf(id: string, text: string, ...mentions: string[]) {
  const spans = mentions.map((mention) => ({
    start: text.indexOf(mention),
    end: text.indexOf(mention) + mention.length,
  }));
  return { id, text, mentions: spans };
}
