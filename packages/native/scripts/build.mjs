// Compiles the addon into build/Release with cmake-js. CMake itself knows what is up to date.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const packageDirectory = fileURLToPath(new URL('..', import.meta.url));

/** Whether a tool can be started; the words for the person who lacks it. */
function missing(tool) {
  return spawnSync(tool, ['--version'], { stdio: 'ignore' }).error ? tool : undefined;
}

const absent = [missing('cmake'), missing(process.env.CXX ?? 'c++')].filter((tool) => tool !== undefined);
if (absent.length > 0) {
  console.error(
    `The native addon of NER Retriever needs ${absent.join(' and ')} to be compiled, which cannot be started here.\n` +
      'Install CMake 3.18 or newer and a C++17 compiler, for example:\n' +
      '  Debian, Ubuntu: apt-get install cmake g++ make\n' +
      '  Fedora:         dnf install cmake gcc-c++ make\n' +
      '  Alpine:         apk add cmake g++ make\n' +
      'and run this again. (The published package brings its binary: only a clone of the repository is compiled.)',
  );
  process.exit(1);
}

const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
const { status } = spawnSync(process.execPath, [cmakeJs, 'compile', '--config', 'Release', '--parallel', '2'], {
  cwd: packageDirectory,
  stdio: 'inherit',
});
process.exit(status ?? 1);
