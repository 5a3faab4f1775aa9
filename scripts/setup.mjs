// Sets the workspace up, from a bare clone to built packages: Debian's packages (where apt and root are there), npm's packages, the build.
// Every step finds out by itself that nothing is left to do, so that a second run takes seconds.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { root, run, say } from './run.mjs';

/** FAISS and the BLAS under it are optional; without cmake the addon cannot be built. */
const debianPackages = ['cmake', 'libfaiss-dev', 'libopenblas-dev'];

export function setUp() {
  requireNode();
  installDebianPackages();
  requireTools();
  run('npm packages', 'npx', ['--yes', `pnpm@${pnpmVersion()}`, 'install', '--frozen-lockfile', '--reporter=silent']);
  run('build', 'turbo', ['run', 'build', '--output-logs=errors-only', '--log-order=grouped']);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(
    `Expected Node.js 20.19 or newer, but this is ${process.versions.node}. Install a newer one and run the command again.`,
  );
}

function installDebianPackages() {
  if (process.platform !== 'linux' || !has('apt-get') || !has('dpkg-query')) return;
  const missing = debianPackages.filter((name) => !isInstalled(name) && !(name === 'cmake' && has('cmake')));
  if (missing.length === 0) return;
  if (process.getuid() !== 0) {
    say(
      `Not installed, as this is not root: ${missing.join(', ')}. For them: sudo apt-get install ${missing.join(' ')}`,
    );
    return;
  }
  const quiet = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  say(`Debian packages: ${missing.join(', ')}`);
  spawnSync('apt-get', ['update'], quiet);
  // One by one: a machine whose Debian has no FAISS still gets its cmake.
  for (const name of missing) {
    const { status } = spawnSync('apt-get', ['install', '--yes', '--no-install-recommends', name], quiet);
    if (status !== 0) say(`  ${name} could not be installed; going on without it.`);
  }
}

function isInstalled(name) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholder
  const format = '--showformat=${Status}';
  const { stdout } = spawnSync('dpkg-query', ['--show', format, name], { encoding: 'utf8' });
  return stdout === 'install ok installed';
}

function requireTools() {
  if (!has('cmake'))
    fail(
      'Expected cmake 3.20 or newer on the PATH, but there is none. Install it (Debian: sudo apt-get install cmake) and run the command again.',
    );
  if (!has('c++') && !has('g++') && !has('clang++')) {
    fail(
      'Expected a C++17 compiler on the PATH (c++, g++ or clang++), but there is none. Install one (Debian: sudo apt-get install g++ make) and run the command again.',
    );
  }
}

function has(command) {
  return (process.env.PATH ?? '').split(':').some((folder) => existsSync(`${folder}/${command}`));
}

function pnpmVersion() {
  const { packageManager } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  return packageManager.replace('pnpm@', '');
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) setUp();
