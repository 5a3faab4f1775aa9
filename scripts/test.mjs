// npm test: sets everything up, then lints, and tests the C++ library, the packages, and what crosses them.
import { readFileSync } from 'node:fs';
import { root, run, say } from './run.mjs';
import { setUp } from './setup.mjs';

// The same random data in every run, so that a clone says the same everywhere; set it for other data.
process.env.NER_RETRIEVER_TEST_SEED ??= '1';

setUp();
run('lint', 'biome', ['check', '.', '--diagnostic-level=warn']);
run('layers', 'node', ['scripts/check-layers.mjs']);
run('types of the tests', 'tsc', ['-p', 'tsconfig.test.json']);
// The addon's CUDA library was compiled for every card; for the tests one is enough. What is left out, and why, is said.
const oneCard = '-DNER_RETRIEVER_CUDA_ARCHITECTURES=90';
run('native library: configure', 'cmake', ['--preset', 'release', '-S', 'native', oneCard, '--log-level=NOTICE']);
run('native library: build', 'cmake', ['--build', 'native/build-release', '--parallel', '2']);
run('native library: test', 'ctest', ['--test-dir', 'native/build-release', '--output-on-failure']);
run('packages', 'vitest', [
  'run',
  '--reporter=default',
  '--reporter=json',
  '--outputFile.json=coverage/tests.json',
  ...process.argv.slice(2),
]);

const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(
  readFileSync(new URL('coverage/tests.json', root), 'utf8'),
);
say('');
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
