// npm test: sets everything up, then lints, and tests the C++ library, the packages, and what crosses them.
import { readFileSync } from 'node:fs';
import { root, run, say } from './run.mjs';
import { setUp } from './setup.mjs';

setUp();
run('lint', 'biome', ['check', '.', '--diagnostic-level=warn']);
run('layers', 'node', ['scripts/check-layers.mjs']);
run('types of the tests', 'tsc', ['-p', 'tsconfig.test.json']);
run('native library: configure', 'cmake', ['--preset', 'release', '-S', 'native', '--log-level=WARNING']);
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
