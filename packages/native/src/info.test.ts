import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { Addon } from './addon.js';
import { info } from './info.js';
import { loadAddon } from './load-addon.js';

const compiled = fileURLToPath(new URL('../build/Release/ner_retriever.node', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ner-retriever-info-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the instruction sets of this machine, and the one in use', () => {
  const { instructionSets, instructionSet } = info();
  expect(instructionSets[0]).toBe('scalar');
  expect(instructionSets).toContain(instructionSet);
});

test('an addon alone in its folder loads and says what FAISS would need', () => {
  const lonely = join(folder, 'lonely.node');
  copyFileSync(compiled, lonely);
  const addon = loadAddon([lonely]) as Addon;
  expect(addon.info().faiss).toEqual({
    available: false,
    version: null,
    reason: expect.stringContaining('install libfaiss-dev and libopenblas-dev'),
  });
  expect(() => addon.faissCreate('Flat', 2, 1)).toThrow('FAISS cannot be used here: built without FAISS');
  try {
    addon.faissCreate('Flat', 2, 1);
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('BACKEND_UNAVAILABLE');
  }
  expect(addon.indexSize(addon.indexCreate(2, 1))).toBe(0);
});

test('a FAISS library that does not load is a reason, not a crash', () => {
  const addonFile = join(folder, 'beside.node');
  copyFileSync(compiled, addonFile);
  writeFileSync(join(folder, 'ner_retriever_faiss.so'), ''.padEnd(4096, 'this is no library '));
  const { faiss } = (loadAddon([addonFile]) as Addon).info();
  expect(faiss.available).toBe(false);
  expect(faiss.reason).toMatch(/could not be loaded: .*libopenblas0 and libgomp1/);
});
