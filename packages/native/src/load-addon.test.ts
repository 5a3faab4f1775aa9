import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { addonCandidates, loadAddon, platformName } from './load-addon.js';

const folder = mkdtempSync(join(tmpdir(), 'ner-retriever-addon-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the binary that came with the package goes before the compiled one', () => {
  expect(addonCandidates()).toEqual([
    `../prebuilds/${platformName()}/ner_retriever.node`,
    '../build/Release/ner_retriever.node',
  ]);
  expect(platformName().startsWith(`${process.platform}-${process.arch}`)).toBe(true);
});

test('when none is there, the message names the places and what to do', () => {
  const call = () => loadAddon([join(folder, 'a.node'), join(folder, 'b.node')]);
  expect(call).toThrow(AggregateError);
  expect(call).toThrow(/a\.node: Cannot find module[\s\S]*b\.node: Cannot find module[\s\S]*compile it/);
  expect(call).toThrow(`it has none for ${platformName()}`);
});

test('a binary of another platform is told from a missing one', () => {
  const copied = join(folder, 'copied.node');
  writeFileSync(copied, 'MZ'.padEnd(4096, ' this is no library here'));
  expect(() => loadAddon([copied])).toThrow('was node_modules copied here?');
});
