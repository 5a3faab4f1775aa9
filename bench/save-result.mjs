import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

/** Writes what a benchmark measured to results/NAME.json, with the machine and the commit it was measured on. */
export function saveResult(name, result) {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const machine = { processor: cpus()[0].model, cores: availableParallelism(), node: process.version };
  const file = new URL(`results/${name}.json`, import.meta.url);
  writeFileSync(
    file,
    `${JSON.stringify({ name, date: new Date().toISOString().slice(0, 10), commit, machine, ...result }, null, 2)}\n`,
  );
}
