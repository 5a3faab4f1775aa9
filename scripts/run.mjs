// Runs the tools of the workspace, its own Node.js first on the PATH, and says what is going on.
import { spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace's root, as a file URL that ends with a slash. */
export const root = new URL('../', import.meta.url);

const environment = {
  ...process.env,
  PATH: `${fileURLToPath(new URL('node_modules/.bin', root))}${delimiter}${process.env.PATH}`,
  DO_NOT_TRACK: '1',
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
};

export function say(line) {
  console.error(line);
}

/** Runs one command in the workspace's root and ends this process with the command's own exit code where it fails. */
export function run(what, command, words) {
  const begin = performance.now();
  say(`> ${what}`);
  const { status, error } = spawnSync(command, words, { cwd: fileURLToPath(root), env: environment, stdio: 'inherit' });
  if (status !== 0) {
    say(`${what} failed: ${error?.message ?? `${command} ${words.join(' ')} ended with exit code ${status}`}`);
    process.exit(status ?? 1);
  }
  say(`  ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}
