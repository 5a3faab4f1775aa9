import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** More of what takes long: `CRASH_KILLS=100 FUZZ_CASES=20000 npx vitest run test/crash`. */
const { CRASH_KILLS, FUZZ_CASES } = process.env;

async function run(name: string, ...options: string[]): Promise<string> {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, ...options]);
  return stdout;
}

test('killed while it is written, and cut off from power: nothing acknowledged is lost, nothing half-written is seen', async () => {
  const kills = CRASH_KILLS ?? '15';
  const printed = await run('kill.mjs', '--kills', kills, '--seed', '1');
  if (CRASH_KILLS) console.log(printed);
  expect(printed).toContain(`${kills} kills in`);
}, 600_000);

test('damaged files: an error each, or the right answer; never a crash, a hang or a wrong one', async () => {
  const cases = FUZZ_CASES ?? '300';
  const printed = await run('fuzz.mjs', '--cases', cases, '--seed', '2');
  if (FUZZ_CASES) console.log(printed);
  expect(printed).toContain(`${cases} cases, 0 failures`);
}, 3_600_000);
