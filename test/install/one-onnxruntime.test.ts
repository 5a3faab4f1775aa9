import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const lockfile = readFileSync(new URL('pnpm-lock.yaml', root), 'utf8');
const core = JSON.parse(readFileSync(new URL('packages/core/package.json', root), 'utf8'));

// Two versions would bring two native libraries of the same name into one process.
test('there is one onnxruntime-node in the tree, and it is the one that core names', () => {
  const versions = new Set([...lockfile.matchAll(/onnxruntime-node@(\d+\.\d+\.\d+)/g)].map((match) => match[1]));
  expect([...versions]).toEqual([core.dependencies['onnxruntime-node']]);
});
