import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { info } from './info.js';

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const root = fileURLToPath(new URL('../../..', import.meta.url));
const suite = ['pool-spans', 'projection', 'vector-index', 'head-trainer'].map(
  (name) => `packages/native/src/${name}.test.ts`,
);

/** This environment without what the running vitest put into it. */
function childEnvironment(instructionSet: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^VITEST|^TEST$/.test(name));
  return { ...Object.fromEntries(kept), NER_RETRIEVER_INSTRUCTION_SET: instructionSet };
}

test.skipIf(process.env.NER_RETRIEVER_INSTRUCTION_SET !== undefined).each(info().instructionSets)(
  'the operations pass their tests on %s',
  (set) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [vitest, 'run', ...suite], {
      cwd: root,
      env: childEnvironment(set),
      encoding: 'utf8',
    });
    expect(status, stdout + stderr).toBe(0);
  },
);

test.each(info().instructionSets)('NER_RETRIEVER_INSTRUCTION_SET=%s is what is used', (set) => {
  const built = JSON.stringify(new URL('../dist/index.js', import.meta.url).href);
  const script = `import(${built}).then(({ info }) => console.log(info().instructionSet))`;
  const { stdout } = spawnSync(process.execPath, ['-e', script], { env: childEnvironment(set), encoding: 'utf8' });
  expect(stdout.trim()).toBe(set);
});

test('a set that is none is refused by name', () => {
  const built = JSON.stringify(new URL('../dist/index.js', import.meta.url).href);
  const { status, stderr } = spawnSync(process.execPath, ['-e', `import(${built})`], {
    env: childEnvironment('avx3'),
    encoding: 'utf8',
  });
  expect(status).not.toBe(0);
  expect(stderr).toContain("expected scalar, avx2 or avx512 as instruction set, got 'avx3'");
});
